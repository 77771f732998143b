package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

type reconciler struct{ client client.Client }

// Reconcile asks the server only for what the cache says is not so yet: the least that a careful author would send.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var note Note
	if err := r.client.Get(ctx, request.NamespacedName, &note); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if err := r.applyConfigMap(ctx, &note); err != nil {
		return ctrl.Result{}, err
	}
	wanted := NoteStatus{Ready: true, ObservedGeneration: note.Generation}
	if note.Status == wanted {
		return ctrl.Result{}, nil
	}
	note.Status = wanted
	return ctrl.Result{}, r.client.Status().Update(ctx, &note)
}

func (r *reconciler) applyConfigMap(ctx context.Context, note *Note) error {
	var live corev1.ConfigMap
	if err := r.client.Get(ctx, client.ObjectKeyFromObject(note), &live); client.IgnoreNotFound(err) != nil {
		return err
	}
	if live.Data["text"] == note.Spec.Text && metav1.IsControlledBy(&live, note) {
		return nil
	}
	owner := metav1apply.OwnerReference().
		WithAPIVersion(groupVersion.String()).
		WithKind("Note").
		WithName(note.Name).
		WithUID(note.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
	wanted := corev1apply.ConfigMap(note.Name, note.Namespace).
		WithOwnerReferences(owner).
		WithData(map[string]string{"text": note.Spec.Text})
	if err := r.client.Apply(ctx, wanted, client.FieldOwner("note.lifecycle"), client.ForceOwnership); err != nil {
		return err
	}
	log.FromContext(ctx).Info("applied", "child", note.Name)
	return nil
}
