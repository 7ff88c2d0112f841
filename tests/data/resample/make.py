# python3 make.py DIR: writes resized.safetensors, what Pillow 9.4 makes of the cases of tests/test_resample.c.
import json, struct, sys
from PIL import Image

# picture, sheet and where the picture lies on it, result
CASES = [((1, 1), (1, 1), (0, 0), (5, 7)), ((1, 9), (1, 9), (0, 0), (4, 1)), ((7, 1), (7, 1), (0, 0), (3, 3)),
         ((13, 11), (13, 11), (0, 0), (13, 11)), ((13, 11), (13, 11), (0, 0), (13, 4)),
         ((13, 11), (13, 11), (0, 0), (29, 11)), ((64, 48), (64, 48), (0, 0), (17, 61)),
         ((40, 33), (40, 33), (0, 0), (90, 20)), ((300, 5), (300, 5), (0, 0), (11, 2)),
         ((50, 70), (50, 70), (0, 0), (49, 69)), ((3, 40000), (3, 40000), (0, 0), (2, 3)),
         ((50000, 2), (50000, 2), (0, 0), (3, 3)), ((2, 2), (2, 2), (0, 0), (70, 1)),
         ((31, 17), (31, 31), (0, 7), (12, 12)), ((17, 31), (31, 31), (7, 0), (56, 56)),
         ((5, 200), (200, 200), (97, 0), (14, 14)), ((4, 3), (90, 80), (85, 1), (10, 9)),
         ((4, 3), (90, 80), (0, 77), (33, 5)), ((2, 50000), (8, 60000), (3, 9000), (2, 3)),
         ((1, 1), (40000, 3), (20000, 1), (1, 1))]
COLOUR = (122, 116, 104)

def picture(w, h):
    return Image.frombytes("RGB", (w, h), bytes((x * x * 5 + y * y * 3 + x * y * 7 + 13 * x + 91 * c) % 256
                                                for y in range(h) for x in range(w) for c in range(3)))

header, data = {}, b""
for size, sheet, at, result in CASES:
    whole = Image.new("RGB", sheet, COLOUR)
    whole.paste(picture(*size), at)
    made = whole.resize(result, Image.BICUBIC).tobytes()
    name = "%dx%d/%dx%d+%d+%d/%dx%d" % (*size, *sheet, *at, *result)
    header[name] = {"dtype": "U8", "shape": [result[1], result[0], 3], "data_offsets": [len(data), len(data) + len(made)]}
    data += made
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1] + "/resized.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
