// The bench's contender on Go's controller-runtime: `reconcile WORKERS` or `sync`, with $KUBECONFIG.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

func main() {
	ctrl.SetLogger(zap.New())
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	mgr, err := newManager()
	if err != nil {
		return err
	}
	if args[0] == "sync" {
		// The informer has to be asked for, because the manager fills caches that somebody wants.
		if _, err := mgr.GetCache().GetInformer(ctx, &corev1.ConfigMap{}, cache.BlockUntilSynced(false)); err != nil {
			return err
		}
		if err := mgr.Add(manager.RunnableFunc(sayWhenFilled(mgr))); err != nil {
			return err
		}
		return mgr.Start(ctx)
	}
	workers, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if err := addController(mgr, workers); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func newManager() (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	addToScheme(scheme)
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	// No limit of the client's own: the others have none.
	config.QPS = -1
	return ctrl.NewManager(config, manager.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
	})
}

// The manager starts what it runs after its caches have synced, so this looks at once.
func sayWhenFilled(mgr manager.Manager) func(context.Context) error {
	return func(ctx context.Context) error {
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return ctx.Err()
		}
		var found corev1.ConfigMapList
		if err := mgr.GetCache().List(ctx, &found); err != nil {
			return err
		}
		fmt.Println("filled", len(found.Items))
		<-ctx.Done()
		return nil
	}
}

func addController(mgr manager.Manager, workers int) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&Note{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&corev1.ConfigMap{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{client: mgr.GetClient()})
}
