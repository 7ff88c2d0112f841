"""Files of torch.save (2.15), good and not. python make.py, in this folder."""
import os
import zipfile
from collections import OrderedDict

import torch

base = torch.arange(12, dtype=torch.float32).reshape(4, 3) / 4
good = OrderedDict([
    ("base_model.model.model.mm_projector.0.weight", base[1:3].bfloat16()),
    ("slice", base[1:3]),  # a part of a larger storage
    ("half", torch.tensor([[1.5, -2.0], [65504.0, 6e-8]], dtype=torch.float16)),
    ("parameter", torch.nn.Parameter(torch.tensor([3.0, 4.0]))),
    ("scalar", torch.tensor(7.0)),
    ("none", torch.zeros(0, 5)),
    ("many", torch.tensor([1, 2, 3])),
    ("five", torch.zeros(1, 1, 1, 1, 1)),
])
good._metadata = OrderedDict([("", {"version": 1})])
torch.save(good, "good.bin")
torch.save({"w": base.t()}, "transposed.bin")
torch.save({"model": {"w": base}}, "nested.bin")
torch.save([base], "list.bin")
torch.save({"w": 1}, "number.bin")
torch.save({"w": base}, "protocol4.bin", pickle_protocol=4)
torch.save({"w": base}, "legacy.bin", _use_new_zipfile_serialization=False)


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/fire-test-was-here",)


torch.save({"w": Evil()}, "evil.bin")
with zipfile.ZipFile("good.bin") as source, zipfile.ZipFile("packed.bin", "w", zipfile.ZIP_DEFLATED) as target:
    for name in source.namelist():
        target.writestr(name, source.read(name))
with zipfile.ZipFile("other.bin", "w") as target:
    target.writestr("hello.txt", "hello")
