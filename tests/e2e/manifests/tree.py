"""Makes a tree of files below each of two folders, changes it, or tells all there is to know of it (as JSON)."""
import hashlib, json, os, stat, sys

roots = [b"/data/tree", b"/var/tree"]
odd = [b"-n", b"two\nlines", b"tab\there", b"\xff\xfe no utf-8", "naïve ☃".encode(), b"*?[a]", b"a b'\"$(x)"]


def write(path, text):
    with open(path, "wb") as file:
        file.write(text)


def make(root):
    os.makedirs(root + b"/folder/deep")
    for name in (b"kept", b"deleted", b"renamed", b"rewritten", b"becomes-folder", b"folder/deep/leaf"):
        write(root + b"/" + name, b"first " + name)
    for name in (b"grown", b"truncated"):
        write(root + b"/" + name, os.urandom(300_000))
    for name in odd:
        write(root + b"/" + name, name)
    write(root + b"/linked", b"one inode")
    os.link(root + b"/linked", root + b"/linked-too")
    os.symlink(b"nowhere/..", root + b"/symlink")
    os.mkfifo(root + b"/fifo", 0o640)
    os.setxattr(root + b"/kept", "user.color", b"red")
    with open(root + b"/sparse", "wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    os.chmod(root + b"/folder", 0o2750)
    os.utime(root + b"/rewritten", ns=(10**18, 10**18))


def change(root):
    os.unlink(root + b"/deleted")
    os.rename(root + b"/renamed", root + b"/new-name")
    write(root + b"/created", b"second")
    with open(root + b"/grown", "ab") as file:
        file.write(b"more" * 1000)
    os.truncate(root + b"/truncated", 1234)
    os.unlink(root + b"/becomes-folder")
    os.makedirs(root + b"/becomes-folder/within")
    os.setxattr(root + b"/kept", "user.color", b"blue")
    # As long as before, and its time set back: by these two rsync takes it for unchanged.
    write(root + b"/rewritten", b"other rewritten")
    os.utime(root + b"/rewritten", ns=(10**18, 10**18))
    os.unlink(root + b"/linked-too")
    os.link(root + b"/kept", root + b"/linked-too")
    with open(root + b"/sparse", "r+b") as file:
        file.seek(32 << 20)
        file.write(b"middle")
    os.unlink(root + b"/" + odd[1])
    os.unlink(root + b"/symlink")
    os.symlink(b"kept", root + b"/symlink")
    os.chmod(root + b"/folder/deep/leaf", 0o600)
    os.chown(root + b"/folder/deep/leaf", 5, 6)


def look(root):
    inodes, found = {}, {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in [b""] + sorted(folders + files):
            path = os.path.join(folder, name)
            it = os.lstat(path)
            plain = stat.S_ISREG(it.st_mode)
            found[repr(path)] = [
                oct(it.st_mode), it.st_uid, it.st_gid, it.st_mtime_ns if plain else 0,
                it.st_size if plain else 0, it.st_nlink if plain else 0,
                inodes.setdefault(it.st_ino, repr(path)),
                plain and it.st_blocks * 512 < it.st_size,
                hashlib.md5(open(path, "rb").read()).hexdigest() if plain else "",
                repr(os.readlink(path)) if stat.S_ISLNK(it.st_mode) else "",
                {key: os.getxattr(path, key, follow_symlinks=False).hex()
                 for key in os.listxattr(path, follow_symlinks=False) if key.startswith("user.")},
            ]
    return found


for root in roots:
    if sys.argv[1] == "make":
        make(root)
    if sys.argv[1] == "change":
        change(root)
if sys.argv[1] == "change":
    os.unlink("/app/ticker.py")
if sys.argv[1] == "look":
    everything = {"image": sorted(os.listdir("/app"))}
    for root in roots:
        everything.update(look(root))
    print(json.dumps(everything))
