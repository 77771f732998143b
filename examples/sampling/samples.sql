-- duckdb -init examples/sampling/samples.sql
CREATE VIEW samples AS
SELECT * FROM read_json('samples.jsonl', format = 'newline_delimited', columns = {
  time: 'TIMESTAMPTZ', requestId: 'VARCHAR', namespace: 'VARCHAR', service: 'VARCHAR', revision: 'VARCHAR', modelVersion: 'VARCHAR',
  mirrored: 'BOOLEAN', protocol: 'VARCHAR', method: 'VARCHAR', path: 'VARCHAR', outcome: 'VARCHAR', code: 'INTEGER',
  durationSeconds: 'DOUBLE',
  request: 'STRUCT(contentType VARCHAR, contentEncoding VARCHAR, inferenceHeaderLength BIGINT, bytes BIGINT, truncated BOOLEAN,
                   json JSON, base64 VARCHAR)',
  answer: 'STRUCT(contentType VARCHAR, contentEncoding VARCHAR, inferenceHeaderLength BIGINT, bytes BIGINT, truncated BOOLEAN,
                  json JSON, base64 VARCHAR)'});

-- What was learnt later, by the ids of the requests.
CREATE VIEW feedback AS SELECT * FROM read_csv('feedback.csv', header = true, columns = {requestId: 'VARCHAR', paid: 'DOUBLE'});

SELECT s.requestId,
       s.request.json -> '$.inputs[0].data' AS trip,
       (s.answer.json ->> '$.outputs[0].data[0]')::DOUBLE AS predicted,
       f.paid
FROM samples AS s JOIN feedback AS f USING (requestId)
WHERE NOT s.mirrored AND s.code = 200;
