# python3 make.py DIR: writes the pictures of this folder (but ycck.jpg, see README.md) and what Pillow 13.0 makes of
# all of them, decoded.safetensors.
import glob, io, json, os, random, struct, sys, zlib
from PIL import Image

out = sys.argv[1]
rng = random.Random(7)

def save(name, data):
    with open(f"{out}/{name}", "wb") as f:
        f.write(data)

def noise(mode, w, h):
    bands = len(mode)
    smooth = [(x * 9 + y * 5 + c * 60 + rng.randrange(40)) % 256
              for y in range(h) for x in range(w) for c in range(bands)]
    return Image.frombytes(mode, (w, h), bytes(smooth))

def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

def png(w, h, depth, colour, interlaced=False, extra=b"", limit=None):
    n, limit = BANDS[colour], limit or 1 << depth
    pixel = [[[rng.randrange(limit) for _ in range(n)] for _ in range(w)] for _ in range(h)]
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        for y in range(y0, h, dy):
            bits = "".join(f"{v:0{depth}b}" for x in range(x0, w, dx) for v in pixel[y][x])
            if bits:
                bits += "0" * (-len(bits) % 8)
                raw += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw))
            + chunk(b"IEND", b""))

def palette(n):
    return chunk(b"PLTE", bytes(rng.randrange(256) for _ in range(3 * n)))

def gif_frame(x, y, w, h, pixels, transparent=None, local=b"", interlaced=False):
    bits = []
    for code in [c for p in pixels for c in (256, p)] + [257]:
        bits += [code >> i & 1 for i in range(9)]
    packed = bytes(sum(b << i for i, b in enumerate(bits[k:k + 8])) for k in range(0, len(bits), 8))
    data = b"" if transparent is None else b"\x21\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\0"
    flags = (0x40 if interlaced else 0) | (0x80 | (len(local) // 3).bit_length() - 2 if local else 0)
    data += b"," + struct.pack("<HHHH", x, y, w, h) + bytes([flags]) + local + b"\x08"
    for k in range(0, len(packed), 255):
        data += bytes([len(packed[k:k + 255])]) + packed[k:k + 255]
    return data + b"\0"

def gif(w, h, frames, table=b""):
    size = 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
    return b"GIF89a" + struct.pack("<HH", w, h) + bytes([size, 0, 0]) + table + b"".join(frames) + b";"

four = bytes([1, 2, 3, 40, 50, 60, 70, 80, 90, 100, 110, 120])
save("gray16.png", png(7, 5, 16, 0))
save("gray16_low.png", png(7, 5, 16, 0, limit=300))
save("gray_alpha16.png", png(5, 4, 16, 4))
save("rgb16.png", png(5, 4, 16, 2))
save("rgba16_interlaced.png", png(11, 9, 16, 6, interlaced=True))
save("rgb_interlaced.png", png(13, 10, 8, 2, interlaced=True))
save("gray1_interlaced.png", png(3, 2, 1, 0, interlaced=True))
save("gray2.png", png(9, 3, 2, 0))
save("gray4_interlaced.png", png(9, 9, 4, 0, interlaced=True))
save("palette2_interlaced.png", png(10, 9, 2, 3, interlaced=True, extra=palette(4)))
save("palette_short.png", png(8, 8, 8, 3, extra=palette(100)))
save("palette_transparent.png", png(8, 8, 8, 3, extra=palette(256) + chunk(b"tRNS", bytes(40))))
save("rgb_transparent.png", png(4, 4, 8, 2, extra=chunk(b"tRNS", bytes(6))))
save("cmyk.jpg", encoded(noise("CMYK", 19, 13), "JPEG", quality=90))
save("rgb_progressive.jpg", encoded(noise("RGB", 35, 21), "JPEG", quality=60, progressive=True))
save("lossy.webp", encoded(noise("RGB", 33, 20), "WEBP", quality=70))
save("lossy_alpha.webp", encoded(noise("RGBA", 17, 12), "WEBP", quality=70, exact=True))
save("lossless_alpha.webp", encoded(noise("RGBA", 17, 12), "WEBP", lossless=True, exact=True))
dot = Image.new("RGBA", (12, 10), (0, 0, 0, 0))
dot.paste((200, 30, 40, 255), (3, 4, 8, 7))
save("animated.webp", encoded(dot, "WEBP", save_all=True, lossless=True, duration=100,
                              append_images=[noise("RGBA", 12, 10)]))
pixels = [rng.randrange(4) for _ in range(7 * 9)]
save("interlaced.gif", gif(7, 9, [gif_frame(0, 0, 7, 9, pixels, interlaced=True)], four))
save("offset_transparent.gif", gif(5, 4, [gif_frame(1, 1, 3, 2, [1, 2, 3, 0, 1, 2], transparent=2),
                                          gif_frame(0, 0, 5, 4, [3] * 20)], four))
save("offset_beyond.gif", gif(2, 2, [gif_frame(1, 1, 3, 2, [1, 2, 3, 0, 1, 2])], four))
save("local_short.gif", gif(4, 1, [gif_frame(0, 0, 4, 1, [0, 1, 2, 200], local=bytes([9, 8, 7, 200, 100, 50]))]))
save("no_palette.gif", gif(4, 1, [gif_frame(0, 0, 4, 1, [0, 1, 2, 200])]))
save("plain.bmp", encoded(noise("RGB", 3, 2), "BMP"))

header, blob = {}, b""
for path in sorted(glob.glob(f"{out}/*.*")):
    name = os.path.basename(path)
    if name.split(".")[-1] in ("png", "jpg", "webp", "gif"):
        image = Image.open(path).convert("RGB")
        data = image.tobytes()
        header[name] = {"dtype": "U8", "shape": [image.height, image.width, 3],
                        "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
save("decoded.safetensors", struct.pack("<Q", len(text)) + text + blob)
