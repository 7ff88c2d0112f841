# python3 make.py DIR: writes cases.json. For each row of logits and each set of options, what remains after the filters
# and with which probability, the most probable first: by masks over sorted rows, in the order of transformers' generate
# (repetition penalty, temperature, top-k, top-p, min-p).
import json, sys
import numpy as np

rng = np.random.default_rng(11)

def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()

def filtered(logits, seen, temperature, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0):
    x = np.array(logits)
    for i in set(seen):
        x[i] = x[i] * repetition_penalty if x[i] < 0 else x[i] / repetition_penalty
    x = x / temperature
    if top_k:
        x[x < np.sort(x)[-min(top_k, len(x))]] = -np.inf
    ascending = np.lexsort((-np.arange(len(x)), x))
    if top_p < 1:
        below = np.cumsum(softmax(x)[ascending])
        drop = below <= 1 - top_p
        drop[-1] = False
        x[ascending[drop]] = -np.inf
    if min_p:
        p = softmax(x)
        x[p < min_p * p.max()] = -np.inf
    p = softmax(x)
    return [[int(i), float(p[i])] for i in ascending[::-1] if p[i] > 0]

ROWS = [np.round(rng.normal(0, 2, 24) * 64) / 64,
        np.array([1.5, 3, 3, -1, 3, 0.25, 1.5, -2, 2.75, 3]),
        np.array([0.0] * 7),
        np.round(rng.normal(-30, 8, 40) * 64) / 64,
        np.array([-4.5])]
OPTIONS = [dict(temperature=1.0), dict(temperature=0.4), dict(temperature=2.5, top_k=4),
           dict(temperature=1.0, top_k=1), dict(temperature=1.0, top_k=100), dict(temperature=1.0, top_p=0.8),
           dict(temperature=0.7, top_p=0.35), dict(temperature=1.0, top_p=0.0), dict(temperature=3.0, min_p=0.3),
           dict(temperature=1.0, min_p=1.0), dict(temperature=1.3, top_k=9, top_p=0.7, min_p=0.15),
           dict(temperature=2.0, top_k=5, top_p=0.9), dict(temperature=0.8, repetition_penalty=1.7),
           dict(temperature=1.0, top_k=6, top_p=0.95, min_p=0.05, repetition_penalty=0.6)]

cases = []
for row in ROWS:
    for options in OPTIONS:
        seen = [int(i) for i in rng.integers(0, len(row), 5)]
        cases.append(dict(options=options, logits=list(row), seen=seen, expected=filtered(row, seen, **options)))
with open(sys.argv[1] + "/cases.json", "w") as f:
    f.write("[" + ",\n".join(json.dumps(case) for case in cases) + "]\n")
