"""melder-admin."""

import re
import resource
import signal
import subprocess

A = "melder-admin"
NOBODY = "00112233445566778899aabbccddeeff"


def offline(force):
    """The ceremony: what needs no server."""
    pw = ["--passphrase-file", force.write("pw", "secret\n")]
    force.write("empty", "\n")
    force.write("other", "another\n")
    force.write("text", "nothing in particular\n")

    def a(*words, home="ceremony"):
        return [A, "--home", home, *pw, *words]

    force.refuse([A], 2, "see `melder-admin --help`")
    force.refuse([A, "devise", "list"], 2, 'did you mean "device"?')
    force.refuse(a("root"), 2, "see `melder-admin root --help`")
    force.refuse(a("root", "init", "--threshold", "3"), 2, "--threshold")
    force.refuse(a("root", "show"), 1, "make one with `root init`")
    force.refuse(a("trust", "plan"), 1, "make one with `root init`")
    force.refuse(a("trust", "show"), 1, "make one with `root init`")
    force.refuse([A, "--home", "ceremony", "root", "init"], 2, "--passphrase-file or --passphrase-fd", start_new_session=True)
    force.refuse([A, "--home", "ceremony", "--passphrase-file", "missing", "root", "init"], 1,
                 ("the passphrase file missing cannot be read", "look at the path"))
    force.refuse([A, "--home", "ceremony", "--passphrase-file", "empty", "root", "init"], 2, "the passphrase is empty")
    force.refuse([A, "--home", "ceremony", "--passphrase-fd", "77", "root", "init"], 1, "--passphrase-fd")
    force.refuse([A, "--home", "/proc/nowhere", *pw, "root", "init"], 1, "/proc/nowhere")
    force.run(a("root", "init", "--threshold", "1"), ("root set ", "Keep root-reserve.key in another place"), also_json=False)
    force.run([A, "--json", "--home", "brief", "--passphrase-fd", "0", "root", "init"], '"sha256":', given="secret\nsecret\n")
    force.refuse(a("root", "init"), 1, "nothing was changed")
    force.run(a("root", "show"), "1 of 2 keys sign")

    # Shares.
    force.refuse(a("root", "share", "--key", "nothing.key"), 1, "nothing.key cannot be read")
    force.refuse(a("root", "share", "--key", "text"), 1, "this is no key file")
    force.refuse(a("root", "share", "--shares", "3", "--threshold", "5"), 2, "--threshold is at least 2")
    force.refuse(a("root", "share", "--out", "no/such/place"), 1, "no/such/place-1.share")
    force.refuse([A, "--home", "ceremony", "--passphrase-file", "other", "root", "share"], 1, "does not open the key file")
    sheets = force.run(a("root", "share"), "share 5 of 5").split("\f")
    force.run(a("root", "share", "--key", "ceremony/root-working.key", "--shares", "4", "--threshold", "2", "--out", "w"),
              "4 shares in w-1.share", also_json=False)
    force.run(a("--json", "root", "share", "--out", "j"), '"shares":5')
    force.refuse(a("root", "share", "--out", "w"), 1, "w-1.share")
    force.refuse(a("root", "recover"), 2, "--out")
    force.refuse(a("root", "recover", "w-1.share", "--out", "back.key"), 2, "2 shares are needed")
    force.refuse(a("root", "recover", "w-1.share", "nothing.share", "--out", "back.key"), 1, "nothing.share cannot be read")
    force.refuse(a("root", "recover", "w-1.share", "--out", "w-2.share"), 1, "w-2.share")
    spoilt = sheets[1].replace("\n    0", "\n    1", 1)
    force.refuse(a("root", "recover", "--out", "back.key"), 1, ("line 1 of share 2", "nothing was written"),
                 given=sheets[0] + spoilt)
    force.run(a("root", "recover", "--out", "back.key"), "is back, in back.key", given="".join(sheets[:3]), also_json=False)
    force.run(a("--json", "root", "recover", "w-1.share", "w-3.share", "--out", "back2.key"), '"root_key":')

    nothing_half_written(force, a)

    # Administrators' keys.
    force.refuse(a("key", "create", "x.key"), 2, "--rights")
    force.refuse(a("key", "create", "x.key", "--rights", "boss"), 2, "enrol,directory,leaders,revoke,wipe,helpdesk")
    force.refuse(a("key", "create", "/proc/x.key", "--rights", "enrol"), 1, "/proc/x.key cannot be written")
    force.run(a("key", "create", "anna/admin.key", "--rights", "enrol,directory,leaders,revoke,helpdesk"),
              "It counts once", also_json=False)
    for name, rights in (("ben", "enrol,directory,leaders,revoke,helpdesk"), ("desk", "helpdesk"), ("clerk", "enrol"),
                         ("personnel", "directory"), ("chief", "leaders"), ("guard", "revoke"), ("late", "revoke")):
        force.run(a("--json", "key", "create", f"{name}.key", "--rights", rights), '"rights":"' + rights)
    force.refuse(a("key", "create", "ben.key", "--rights", "enrol"), 1, "nothing was changed")

    # The first list.
    keys = [w for name in ("anna/admin", "ben", "desk", "clerk", "personnel", "chief", "guard")
            for w in ("--admin", f"{name}.key.pub")]
    force.refuse(a("trust", "plan", "nothing"), 1, "nothing cannot be read")
    force.refuse(a("trust", "plan", "text"), 1, "text")
    force.refuse(a("trust", "sign", "srv/setup-request", "--admin", "text"), 1, "no public half of an administrator key")
    force.refuse(a("trust", "sign", "srv/setup-request", *keys, "--valid", "soon"), 2, "a duration is a number")
    force.refuse(a("trust", "sign", "srv/setup-request", *keys, "--root-key", "nothing.key"), 1, "nothing.key cannot be read")
    force.refuse(a("trust", "sign", "srv/setup-request", *keys, "--root-key", "ben.key"), 1, "is no key of the root set")
    force.refuse(a("trust", "sign", "srv/setup-request", *keys, "--out", "/dev/full"), 1, "/dev/full is no file")
    force.refuse(a("trust", "show"), 1, "no trust list was seen yet")
    force.run(a("trust", "plan", "srv/setup-request", *keys), "trust list 1, the first")
    force.run(a("trust", "sign", "srv/setup-request", *keys, "--valid", "365d", "--out", "srv/trust-list"), "trust list 1",
              also_json=False)
    force.run([A, "--home", "ceremony", "trust", "show"], "trust list    1")
    force.refuse(a("trust", "show", "text"), 1, "text is no signed trust list")
    (force.root / "srv/root-set").write_bytes((force.root / "ceremony/root-set").read_bytes())
    (force.root / "anna/root-set").write_bytes((force.root / "ceremony/root-set").read_bytes())

    # Succession, beside what the server uses.
    force.refuse(a("root", "succeed"), 2, "--new-home")
    force.refuse(a("root", "succeed", "--new-home", "ceremony"), 1, "nothing was changed")
    force.refuse(a("root", "succeed", "--new-home", "next"), 2, "If it is meant: --yes")
    force.refuse(a("root", "succeed", "--new-home", "next", "--yes", "--threshold", "3"), 2, "1 or 2 sign")
    force.refuse(a("root", "succeed", "--new-home", "next", "--yes", "--keep", "ben.key"), 2, "has no such key")
    force.refuse(a("root", "succeed", "--new-home", "next", "--yes", "--root-key", "ben.key"), 1, "Nothing was written")
    force.run(a("root", "succeed", "--new-home", "next", "--yes", "--threshold", "1", "--keep", "ceremony/root-reserve.key",
                "--root-key", "ceremony/root-working.key"), "root accept", also_json=False)
    force.run(a("--json", "root", "succeed", "--new-home", "next2", "--yes"), '"root_set":2')
    (force.root / "copy").mkdir()
    (force.root / "copy/root-set").write_bytes((force.root / "ceremony/root-set").read_bytes())
    force.refuse([A, "--home", "copy", "root", "accept"], 2, "file is required")
    force.refuse([A, "--home", "copy", "root", "accept", "text"], 1, "is no root succession")
    force.refuse([A, "--home", "brief", "root", "accept", "next/root-succession", "--yes"], 1, "does not follow root set 1")
    force.refuse([A, "--home", "copy", "root", "accept", "next/root-succession"], 2, "If it is meant: --yes")
    force.run([A, "--home", "copy", "root", "accept", "next/root-succession", "--yes"], "root set   2")

    force.refuse([A, "device", "explain"], 2, "code is required")
    force.refuse([A, "device", "explain", "XYZ"], 2, "have them read again")
    endings_offline(force, a)


def nothing_half_written(force, a):
    """The disk is full after eight bytes, and then the process is killed there."""
    def eight_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))

    for words, files in ((["key", "create", "half.key", "--rights", "enrol"], ["half.key"]),
                         (["root", "init"], ["half/root-working.key", "half/root-set"]),
                         (["root", "share", "--key", "ceremony/root-reserve.key", "--out", "half"], ["half-1.share"])):
        line = a(*words, home="half" if words[1] == "init" else "ceremony")
        # Python ignores the signal, and so does what it starts: the write fails.
        force.refuse(line, 1, "cannot be written", preexec_fn=eight_bytes, restore_signals=False, also_json=False)
        left = [f for f in files + [f"{name}.new" for name in files] if (force.root / f).exists()]
        killed = force.typed(line, preexec_fn=eight_bytes)
        left += [f for f in files if (force.root / f).exists()]
        if left or killed.returncode != -signal.SIGXFSZ:
            force.complain(line, killed, f"was to leave nothing behind: {left}")


def endings_offline(force, a):
    """A list that ends within 60 days: commands that meet no server warn as well, and their data stays data."""
    force.run(a("trust", "sign", "srv/setup-request", "--admin", "ben.key.pub", "--valid", "30d", "--yes", home="brief"),
              "trust list 1", also_json=False)
    for words in (["root", "show"], ["trust", "show"], ["trust", "plan"], ["device", "explain", "XYZ"]):
        run = force.typed([A, "--home", "brief", *words])
        if "warning: the trust list ends in 29 days; sign the next one" not in run.stderr or "warning" in run.stdout:
            force.complain(words, run, "was to warn of the end on standard error")
        run = force.typed([A, "--json", "--home", "brief", *words])
        force.check_objects(words, run, run.stdout, "standard output")
        force.check_objects(words, run, run.stderr, "standard error")
        if '"warning":"trust_list_ends"' not in run.stderr:
            force.complain(words, run, "was to warn of the end in an object")


def enrol(force, number, code, second=None):
    words = ["melder", "--vault", f"phone-{number}", "--server", f"127.0.0.1:{force.port}", "--root", "ceremony/root-set", "enrol"]
    run = force.typed(words + (["--second-part", second] if second else []), given=code + "\n")
    return run.returncode


def online(force):
    a = admin_of(force)
    away(force, a)
    directory(force, a)
    devices = codes(force, a)
    roll_out(force, a)
    desk(force, a, devices)
    rights(force, devices)
    ceilings(force)
    orders(force, a, devices)
    grants(force, a, devices)
    lists(force, a)
    log(force, a, devices)
    endings(force, a, devices)


def admin_of(force):
    """Anna, or who else holds the key."""
    def a(*words, key=None):
        own = ["--key", f"{key}.key"] if key else []
        return [A, "--home", "anna", "--server", f"127.0.0.1:{force.port}", "--passphrase-file", "pw", *own, *words]
    return a


def away(force, a):
    """Who cannot be reached, or does not let in."""
    force.run(a("status"), ("server       melder-server", "trust list   version 1"))
    force.refuse(a("--server", "127.0.0.1:1", "status"), 1, ("Connection refused", "see whether melder-server runs there"))
    force.refuse(a("--server", "nowhere", "status"), 2, "--server takes HOST:PORT")
    force.refuse(a("--server", "nowhere.invalid:1", "status"), 1, "nowhere.invalid:1")
    force.refuse(a("--home", "nothing", "status"), 1, "no root set in nothing")
    force.refuse(a("--home", "brief", "--key", "ben.key", "status"), 1, "127.0.0.1")
    force.refuse(a("--passphrase-file", "other", "status"), 1, "does not open the key file")
    force.refuse(a("status", key="nothing"), 1, "nothing.key cannot be read")
    force.refuse(a("status", key="late"), 1, "the trust list in force does not name your key")
    force.refuse(a("--frob", "status"), 2, "--frob")
    force.refuse(a("status", "extra"), 2, "extra")
    with open("/dev/full", "w") as full:
        force.refuse(a("status"), 1, "standard output cannot be written", stdout=full)


CSV = """unit,LKA,Landeskriminalamt
unit,LKA/K5,Kommissariat 5
unit,PP,Präsidium
officer,10001,Anna Berger,LKA,member
officer,10002,Jörg Meißner,PP,member
officer,10003,Émile Żuk,PP,member+leader
officer,10004,王 小明,LKA/K5,member
"""


def directory(force, a):
    force.write("force.csv", CSV)
    force.refuse(a("directory", "import"), 2, "file is required")
    force.refuse(a("directory", "import", "nothing.csv"), 1, "nothing.csv cannot be read")
    force.refuse(a("directory", "import", "text"), 1, "line 1")
    force.refuse(a("directory", "import", "force.csv", "--allow-removals", "x"), 2, "--allow-removals")
    force.run(a("directory", "import", "force.csv"), "nothing was changed yet")
    force.refuse(a("directory", "put", "nothing.csv"), 1, "nothing.csv cannot be read")
    force.run(a("directory", "put", "force.csv"), "3 units and 4 officers")
    force.run(a("directory", "import", "force.csv", "--apply", "--allow-removals", "1", "--reason", "as every night",
                "--second-key", "ben.key", "--second-passphrase-file", "pw"), "4 officers")
    force.write("fewer.csv", "\n".join(CSV.splitlines()[:5]) + "\n")
    force.refuse(a("directory", "import", "fewer.csv", "--apply"), 1, "--allow-removals")
    force.write("moved.csv", CSV.replace("10004,王 小明,LKA/K5", "10004,王 小明,LKA"))
    force.run(a("directory", "put", "moved.csv", "--reason", "moved", "--allow-removals", "1", "--sign-request", "moved.request"),
              (), also_json=False)
    force.run(a("directory", "import", "force.csv", "--apply", "--sign-request", "back.request"), (), also_json=False)
    force.run(a("directory", "put", "force.csv", "--second-key", "ben.key", "--second-passphrase-file", "pw"), "officers",
              also_json=False)


def codes(force, a):
    """One code for one phone; the phones that the rest plays with."""
    force.refuse(a("code", "issue"), 2, "--officer")
    force.refuse(a("code", "issue", "--officer", "4711"), 1, "no officer has the service number 4711")
    force.refuse(a("code", "issue", "--officer", "10001", "--valid", "99d"), 2, "longer than the trust list allows")
    force.refuse(a("code", "issue", "--officer", "10001", "--valid", "soon"), 2, "a duration is a number")
    force.refuse(a("code", "issue", "--officer", "10001", "--role", "boss"), 2, "--role is member or leader")
    force.refuse(a("code", "issue", "--officer", "10001", "--replaces", "abc"), 2, "32 hex digits")
    force.refuse(a("code", "issue", "--officer", "10001", "--reason", "why"), 2, "add --replaces")
    force.refuse(a("code", "issue", "--officer", "10001", "--qr-file", "no/such/code.png"), 1, "no/such/code.png cannot be")
    force.refuse(a("code", "issue", "--officer", "10001", "--qr-file", "text"), 1, "nothing was issued")
    devices = {}
    for number in ("10001", "10002", "10003"):
        said = force.run(a("--json", "code", "issue", "--officer", number, "--valid", "1h", "--grant-valid", "90d",
                           "--qr", "--qr-file", f"{number}.png"), '"code":"MLD1-')
        devices[number] = re.search(r'"device":"(\w+)"', said).group(1)
        if enrol(force, number, re.search(r'"code":"([^"]+)"', said).group(1)) != 0:
            force.book.findings.append(f"{number} could not be enrolled")
    said = force.run(a("code", "issue", "--officer", "10004", "--role", "member", "--qr"), ("code    MLD1-", "in person"),
                     also_json=False)
    devices["10004"] = re.search(r"device  (\w+)", said).group(1)
    said = force.run(a("code", "issue", "--officer", "10003", "--replaces", devices["10003"], "--reason", "a new phone",
                       "--second-key", "ben.key", "--second-passphrase-file", "pw"), "code    MLD1-", also_json=False)
    if enrol(force, "10003b", re.search(r"(MLD1-\S+)", said).group(1)) != 0:
        force.book.findings.append("the replacing phone could not be enrolled")
    devices["10003b"] = re.search(r"device  (\w+)", said).group(1)
    force.run(a("code", "issue", "--officer", "10002", "--sign-request", "code.request"), ("MLD1-", "nothing was sent"),
              also_json=False)
    return devices


def roll_out(force, a):
    force.write("numbers", "10001\n10002\n10004\n")
    force.refuse(a("codes", "issue", "--batch", "numbers"), 2, "--out")
    force.refuse(a("codes", "issue", "--batch", "nothing", "--out", "r"), 1, "nothing cannot be read")
    force.write("bad", "10001\n10001\n")
    force.refuse(a("codes", "issue", "--batch", "bad", "--out", "r"), 1, "line 2, column 1: the service number stands there twice")
    force.write("unknown", "10001\n4711\n")
    force.refuse(a("codes", "issue", "--batch", "unknown", "--out", "r"), 1, "no officer has the service number 4711")
    force.refuse(a("codes", "issue", "--batch", "numbers", "--out", "no/such/r"), 1, "no/such/r.mdm.csv cannot be written")
    force.refuse(a("codes", "issue", "--batch", "numbers", "--out", "r", "--valid", "99d"), 2, "longer than the trust list")
    force.write("many", "".join(f"{n}\n" for n in range(20000, 20051)))
    force.refuse(a("codes", "issue", "--batch", "many", "--out", "r"), 1, ("--second-key FILE", "Nothing was issued"))
    if list(force.root.glob("r.*")):
        force.book.findings.append("a refused batch left files behind")
    force.run(a("codes", "issue", "--batch", "numbers", "--out", "r1", "--valid", "1h", "--grant-valid", "100d", "--qr"),
              ("3 codes issued", "r1.mdm.csv is for the device management", "never by the same"), also_json=False)
    force.run(a("--json", "codes", "issue", "--batch", "numbers", "--out", "r2", "--without-second-part", "--second-key",
                "ben.key", "--second-passphrase-file", "pw", "--valid", "3s"), '"issued":3')
    force.run(a("codes", "issue", "--batch", "numbers", "--out", "r3", "--sign-request", "r3.request"), "nothing was sent",
              also_json=False)
    force.refuse(a("codes", "issue", "--batch", "numbers", "--out", "r1"), 1, "nothing was issued")
    force.refuse(a("codes", "status", "nothing.batch"), 1, "nothing.batch cannot be read")
    force.refuse(a("codes", "status", "text"), 1, "expected SERVICE NUMBER;DEVICE")
    rows = dict(line.split(";")[:2] for line in force.read("r1.mdm.csv").splitlines()[1:])
    part = re.search(r"Dienstnummer 10001\n\nZweiter Teil.*\n\n +(\w+)", force.read("r1.parts")).group(1)
    if enrol(force, "batch1", rows["10001"], part) != 0:
        force.book.findings.append("a code of a batch does not enrol")
    if enrol(force, "batch2", rows["10002"], "WRONGPART") == 0 or enrol(force, "thief", rows["10001"], part) == 0:
        force.book.findings.append("a wrong second part or a used code enrols")
    force.run(a("codes", "status", "r1.batch"),
              ("waiting until 20", "; 1 try, the last with a wrong second part", "enrolled; 1 try, the last from another phone",
               "1 enrolled, 2 waiting, 0 failed"))
    # Those of r2 have ended by now or do so at once; wait for the server to say so.
    for _ in range(100):
        if "0 waiting" in force.typed(a("codes", "status", "r2.batch")).stdout:
            break
    force.run(a("codes", "status", "r2.batch"), ("failed: the code expired; enrolled with a newer code", "0 failed, 3 with a newer code"))
    force.refuse(a("codes", "reissue", "r1.batch"), 2, "--out")
    force.refuse(a("codes", "reissue", "nothing.batch", "--out", "r4"), 1, "nothing.batch cannot be read")
    force.run(a("codes", "reissue", "r1.batch", "--out", "r4"), "nothing is open", also_json=False)
    force.run(a("--json", "codes", "reissue", "r1.batch", "--out", "r4"), '"issued":0')
    force.run(a("codes", "reissue", "r1.batch", "--waiting", "--out", "r5", "--valid", "2h", "--grant-valid", "100d",
                "--without-second-part", "--qr", "--second-key", "ben.key", "--second-passphrase-file", "pw"),
              "2 codes issued", also_json=False)
    force.run(a("codes", "reissue", "r3.batch", "--out", "r6", "--sign-request", "r6.request"), "nothing is open",
              also_json=False)


def desk(force, a, devices):
    one = devices["10001"]
    force.run(a("device", "list"), ("Jörg Meißner", "王 小明", "Émile Żuk", "replaced"))
    force.run(a("device", "list", "--officer", "10001"), one)
    force.refuse(a("device", "list", "--officer", "4711"), 1, "no officer has the service number 4711")
    force.refuse(a("device", "list", "--oficer", "4711"), 2, "--oficer")
    subprocess.run([str(force.folder / "melder"), "--vault", "phone-10001", "receive", "--timeout", "1"], cwd=force.root,
                   capture_output=True, stdin=subprocess.DEVNULL, env=force.environment)
    force.run(a("device", "show", one), ("state        active", "last seen    20", "protocol 1", "since the server's start on"))
    force.refuse(a("device", "show"), 2, "device is required")
    force.refuse(a("device", "show", "abc"), 2, "32 hex digits")
    force.refuse(a("device", "show", NOBODY), 1, "`device list` prints them")
    force.run(a("device", "aside", one), "nothing is aside", also_json=False)
    force.run(a("--json", "device", "aside", one, "--release", "--entry", NOBODY), '"released":0')
    force.refuse(a("device", "aside", one, "--entry", NOBODY), 2, "add --release")
    force.refuse(a("device", "aside", one, "--release", "--entry", "abc"), 2, "--entry takes an id")
    force.refuse(a("device", "aside", "abc"), 2, "32 hex digits")
    said = subprocess.run([str(force.folder / "melder"), "--vault", "phone-10001", "status"], cwd=force.root,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, env=force.environment).stdout
    code = re.search(r"\b([0-9A-Z]{4}-[0-9A-Z]{4})\b", said)
    if not code:
        force.book.findings.append(f"`melder status` shows no eight characters: {said!r}")
        return
    force.run([A, "device", "explain", code.group(1)], "connection   ")
    misheard = ("8" if code.group(1)[0] == "7" else "7") + code.group(1)[1:]
    force.refuse([A, "device", "explain", misheard], 2, "misheard")


RIGHTS = ("enrol", "directory", "leaders", "revoke", "helpdesk")
HOLDER = {"enrol": "clerk", "directory": "personnel", "leaders": "chief", "revoke": "guard", "helpdesk": "desk"}


def rights(force, devices):
    """Each right and each command: who has it may, who has every other one may not and is told which it takes."""
    a = admin_of(force)
    one, two = devices["10001"], devices["10002"]
    force.write("one", "10001\n")
    force.write("renamed.csv", CSV.replace("Kommissariat 5", "Kommissariat Fünf"))
    takes = [
        ("enrol", ["code", "issue", "--officer", "10001"]),
        ("enrol", ["codes", "issue", "--batch", "one", "--out", "rights", "--without-second-part"]),
        ("enrol", ["grant", "renew", one, "--valid", "120d"]),
        ("directory", ["directory", "put", "renamed.csv"]),
        ("directory", ["directory", "import", "renamed.csv", "--apply"]),
        ("directory", ["grant", "set", one, "--name", "Anna Berger-Schulz"]),
        ("leaders", ["grant", "set", one, "--roles", "member+leader"]),
        ("revoke", ["suspend", two, "--reason", "on leave"]),
        ("revoke", ["revoke", two, "--reason", "lost"]),
        ("helpdesk", ["device", "aside", one]),
    ]
    for right, words in takes:
        for other in RIGHTS:
            if other != right:
                force.refuse(a(*words, key=HOLDER[other]), 1, (f"this takes the right `{right}`", f"your key has {other}"),
                             also_json=False)
        force.run(a(*words, key=HOLDER[right]), (), also_json=False)
    # Replacing somebody's phone takes `revoke` besides `enrol`: the clerk alone may not, with the guard's signature he may.
    replace = ["code", "issue", "--officer", "10001", "--replaces", one]
    force.refuse(a(*replace, key="clerk"), 1, "this takes the right `revoke`", also_json=False)
    force.run(a(*replace, "--second-key", "guard.key", "--second-passphrase-file", "pw", key="clerk"), "MLD1-", also_json=False)
    # Two that may revoke restore; one twice, or one who may not, does not.
    restore = ["restore", two, "--reason", "found"]
    force.refuse(a(*restore, key="guard"), 2, "restore needs two signatures", also_json=False)
    force.refuse(a(*restore, "--second-key", "clerk.key", "--second-passphrase-file", "pw", key="guard"), 1, "",
                 also_json=False)
    force.refuse(a(*restore, "--second-key", "guard.key", "--second-passphrase-file", "pw", key="guard"), 1, "",
                 also_json=False)
    force.run(a(*restore, "--second-key", "ben.key", "--second-passphrase-file", "pw", key="guard"), "in the order log",
              also_json=False)
    # Whoever was let in may look.
    for key in HOLDER.values():
        for words in (["status"], ["device", "list"], ["device", "show", one], ["log", "verify"]):
            force.run(a(*words, key=key), (), also_json=False)


def ceilings(force):
    """Above 50 grants or 20 orders an hour and key a second one signs."""
    a = admin_of(force)
    second = ["--second-key", "ben.key", "--second-passphrase-file", "pw"]
    numbers = range(30001, 30051)
    force.write("more.csv", CSV.replace("Kommissariat 5", "Kommissariat Fünf").replace("Anna Berger,", "Anna Berger-Schulz,") +
                "".join(f"officer,{n},Beamtin {n},PP,member\n" for n in numbers))
    force.run(a("directory", "put", "more.csv", "--reason", "new colleagues", *second), (), also_json=False)
    force.write("fifty", "".join(f"{n}\n" for n in numbers))
    batch = ["codes", "issue", "--batch", "fifty", "--without-second-part"]
    # The clerk signed some within the hour: fifty more are too many, which only the server knows.
    force.refuse(a(*batch, "--out", "fifty-1", "--qr", key="clerk"), 1, ("--second-key FILE", "Nothing was issued"),
                 also_json=False)
    if list(force.root.glob("fifty-1*")):
        force.book.findings.append("a batch that the server refused left files behind")
    force.run(a(*batch, "--out", "fifty-2", *second, key="clerk"), "50 codes issued", also_json=False)
    devices = [line.split(";")[1] for line in force.read("fifty-2.batch").splitlines()[1:]]
    given = 3  # by the guard, in rights(): a suspension, a revocation and half of a restoration
    for device in devices:
        words = a("suspend", device, "--reason", "a whole shift", key="guard")
        if given == 20:
            force.refuse(words, 1, "--second-key FILE signs with another administrator's key", also_json=False)
            force.run([*words, *second], "suspend of", also_json=False)
            return
        force.run(words, "suspend of", also_json=False)
        given += 1


def orders(force, a, devices):
    two = devices["10002"]
    for kind in ("revoke", "suspend", "restore"):
        force.refuse(a(kind), 2, "device is required")
        force.refuse(a(kind, two), 2, "--reason is required")
        more = ["--second-key", "ben.key", "--second-passphrase-file", "pw"] if kind == "restore" else []
        force.refuse(a(kind, "abc", "--reason", "x", *more), 2, "32 hex digits")
        force.refuse(a(kind, NOBODY, "--reason", "x", *more), 1, "the server knows no device")
        force.refuse(a(kind, two, "--reason", "", *more), 2, "--reason takes one line")
    force.refuse(a("restore", two, "--reason", "x"), 2, "--second-key FILE or --sign-request FILE")
    force.refuse(a("restore", two, "--reason", "x", "--second-key", "ben.key", "--second-passphrase-file", "pw"), 1,
                 "neither revoked nor suspended")
    force.run(a("suspend", two, "--reason", "im Urlaub", "--second-key", "ben.key", "--second-passphrase-file", "pw"),
              "suspend of", also_json=False)
    force.refuse(a("suspend", two, "--reason", "again"), 1, "suspended already; nothing was changed")
    force.run(a("restore", two, "--reason", "zurück", "--sign-request", "restore.request"), "nothing was sent", also_json=False)
    force.refuse(a("restore", two, "--reason", "zurück", "--sign-request", "restore.request"), 1, "restore.request")
    force.refuse(a("submit", "restore.request"), 1, "carries one signature only")
    force.refuse(a("submit"), 2, "file is required")
    force.refuse(a("submit", "text"), 1, "no file of --sign-request")
    sign = [A, "--home", "ben-home", "--passphrase-file", "pw", "--key", "ben.key", "sign"]
    force.refuse([*sign], 2, "file is required")
    force.refuse([*sign, "nothing"], 1, "nothing cannot be read")
    force.refuse([*sign, "text", "--yes"], 1, "no file of --sign-request")
    force.refuse([*sign, "restore.request"], 2, "If it is meant: --yes")
    force.refuse([A, "--home", "anna", "--passphrase-file", "pw", "sign", "restore.request", "--yes"], 1, "signed it already")
    force.run([*sign, "restore.request", "--yes", "--all", "--out", "signed.request"], ("RESTORE device", "reason: zurück"),
              also_json=False)
    force.run([sign[0], "--json", *sign[1:], "restore.request", "--yes"], '"documents":1')
    force.run(a("submit", "signed.request"), "1 orders and 0 grants are in force", also_json=False)
    force.run(a("--json", "submit", "restore.request"), '"known":1')
    force.run(a("revoke", two, "--reason", "verloren auf Streife", "--sign-request", "revoke.request"), "nothing was sent",
              also_json=False)
    force.run(a("--json", "revoke", two, "--reason", "verloren auf Streife", "--second-key", "ben.key",
                "--second-passphrase-file", "pw"), '"order":"revoke"')
    force.refuse(a("revoke", two, "--reason", "again"), 1, "revoked already; nothing was changed")
    force.run(a("--json", "restore", two, "--reason", "doch gefunden", "--second-key", "ben.key",
                "--second-passphrase-file", "pw"), '"order":"restore"')
    force.run(a("--json", "suspend", two, "--reason", "wieder weg", "--sign-request", "suspend.request"), '"documents":1')


def grants(force, a, devices):
    one = devices["10001"]
    second = ["--second-key", "ben.key", "--second-passphrase-file", "pw"]
    force.run(a("grant", "show", one), ("Anna Berger-Schulz", "signed by"))
    force.refuse(a("grant", "show"), 2, "device is required")
    force.refuse(a("grant", "show", "abc"), 2, "32 hex digits")
    force.refuse(a("grant", "show", NOBODY), 1, "")
    force.run(a("grant", "renew", one, "--valid", "130d", "--reason", "yearly", *second), "1 grant", also_json=False)
    force.run(a("--json", "grant", "renew", "--officer", "10001", "--valid", "390d"), '"grants":')
    force.run(a("grant", "renew", "--ending-within", "400d", "--valid", "395d", "--sign-request", "renew.request"),
              "nothing was sent", also_json=False)
    force.refuse(a("grant", "renew"), 2, "one of the three")
    force.refuse(a("grant", "renew", one, "--officer", "10001"), 2, "one of the three")
    force.refuse(a("grant", "renew", "abc"), 2, "32 hex digits")
    force.refuse(a("grant", "renew", one, "--valid", "999d"), 2, "at most 400 days")
    force.run(a("grant", "set", one, "--name", "Anna Berger", "--number", "10001", "--unit", "LKA/K5", "--roles", "member",
                "--valid", "100d", "--reason", "versetzt", *second), "by an order in the log", also_json=False)
    force.run(a("--json", "grant", "set", one, "--unit", "LKA", "--reason", "zurück", "--sign-request", "set.request"),
              '"sign_request":')
    force.refuse(a("grant", "set", one), 2, "say what is to change")
    force.refuse(a("grant", "set", one, "--unit", "NOWHERE", "--reason", "x"), 1, "the directory has no unit NOWHERE")
    force.refuse(a("grant", "set", one, "--unit", "//", "--reason", "x"), 2, "--unit is a path")
    force.refuse(a("grant", "set", one, "--roles", "boss"), 2, "--roles is member or member+leader")
    force.refuse(a("grant", "set", one, "--unit", "LKA"), 2, "--reason")


def lists(force, a):
    """The next list, and keys that retire or are distrusted."""
    root = [A, "--home", "ceremony", "--passphrase-file", "pw"]
    (force.root / "root-previous").write_bytes((force.root / "anna/trust-list").read_bytes())
    guard = re.search(r"administrator (\w+)  active  revoke\n", force.typed([*root, "trust", "show"]).stdout).group(1)
    desk_id = re.search(r"administrator (\w+)  active  helpdesk\n", force.typed([*root, "trust", "show"]).stdout).group(1)
    pin = re.search(r"server key    (\w+)  relay", force.typed([*root, "trust", "show"]).stdout).group(1)
    changes = ["--previous", "root-previous", "--retire", f"{guard}@1000", "--distrust", desk_id, "--admin", "late.key.pub"]
    force.refuse([*root, "trust", "plan", "--retire", "abc"], 2, "--retire takes KEY@LOGSIZE")
    force.refuse([*root, "trust", "plan", "--retire", "00ff00ff@7"], 2, "the list has no such key")
    force.refuse([*root, "trust", "plan", "--distrust", "xyz"], 2, "--distrust")
    force.refuse([*root, "trust", "plan", "--drop-pin", "00ff00ff"], 2, "the list has no such pin")
    force.refuse([*root, "trust", "plan", "--drop-pin", pin], 1, "would have fewer than two pins")
    force.refuse([*root, "trust", "plan", "--previous", "text"], 1, "is no signed trust list")
    force.run([*root, "trust", "plan", *changes, "--valid", "300d"], ("retired: what it signs from log entry 1000",
                                                                      "distrusted: nothing that it ever signed counts"))
    force.refuse([*root, "trust", "plan", "--retire", f"{guard}@1000", "--drop-pin", pin], 1, "fewer than two pins")
    force.refuse([*root, "trust", "sign", *changes], 2, "If it is meant: --yes")
    force.refuse([*root, "trust", "sign", *changes, "--drop-pin", pin, "--yes"], 1, "fewer than two pins")
    force.run([*root, "trust", "sign", *changes, "--yes", "--root-key", "ceremony/root-working.key", "--root-key",
               "ceremony/root-reserve.key", "--out", "list-2"], "It counts once", also_json=False)
    force.refuse(a("trust", "publish", "text"), 1, "is no signed trust list")
    force.refuse(a("trust", "publish", "nothing"), 1, "nothing cannot be read")
    force.run(a("trust", "publish", "list-2", "--reason", "Schicht übergeben"), "trust list 2 is in force", also_json=False)
    force.run(a("--json", "trust", "publish", "list-2"), '"change":"published"')
    force.run(a("status", key="late"), "version 2", also_json=False)
    # A distrusted key is nobody's; a retired one signs nothing new.
    force.refuse(a("status", key="desk"), 1, "the trust list in force does not name your key")
    force.refuse(a("status", key="guard"), 1, "")
    force.run([A, "--json", "--home", "ceremony", "--passphrase-file", "pw", "trust", "sign", "--previous", "list-2", "--valid",
               "40d", "--yes"], '"change":"signed"')


def log(force, a, devices):
    two = devices["10002"]
    force.run(a("log", "verify"), "the order log verifies")
    force.run(a("log", "show", "--device", two, "--last", "0"), ("reason: verloren auf Streife", "suspend", "restore"))
    force.run(a("log", "show", "--last", "0"), ("reason: Schicht übergeben", "reason: a new phone", "replace"))
    force.refuse(a("log", "show", "--device", "abc"), 2, "32 hex digits")
    force.refuse(a("log", "show", "--last", "x"), 2, "--last")
    force.refuse(a("log", "verify", "extra"), 2, "extra")
    # The reason stays with the administrator: another one reads that there is one, not which.
    (force.root / "ben-home").mkdir(exist_ok=True)
    (force.root / "ben-home/root-set").write_bytes((force.root / "ceremony/root-set").read_bytes())
    said = force.run([A, "--home", "ben-home", "--server", f"127.0.0.1:{force.port}", "--passphrase-file", "pw", "--key",
                      "ben.key", "log", "show", "--last", "0"], "revoke", also_json=False)
    if "Streife" in said:
        force.book.findings.append("a reason is shown where nobody noted it")
    # A log that is not the one that was verified before.
    position = force.root / "anna/log-position"
    kept = position.read_text()
    position.write_text("999999 " + "00" * 32)
    force.refuse(a("log", "verify"), 1, "shorter than what you verified before")
    position.write_text(kept)


def endings(force, a, devices):
    """Every command warns of what ends within 60 days, on standard error, and --json stays data."""
    force.run([A, "--home", "ceremony", "--passphrase-file", "pw", "trust", "sign", "--previous", "list-2", "--valid", "30d", "--yes",
               "--out", "list-3"], "It counts once", also_json=False)
    force.run(a("trust", "publish", "list-3"), "is in force", also_json=False)
    for words in (["status"], ["device", "list"], ["device", "show", devices["10001"]], ["log", "verify"], ["log", "show"],
                  ["codes", "status", "r1.batch"], ["grant", "show", devices["10001"]], ["device", "aside", devices["10001"]],
                  ["directory", "import", "force.csv"], ["device", "explain", "XYZ"], ["trust", "show"]):
        run = force.typed(a(*words))
        if "warning: the trust list ends in 29 days; sign the next one" not in run.stderr or "warning" in run.stdout:
            force.complain(words, run, "was to warn of the end on standard error")
        run = force.typed(a("--json", *words))
        force.check_objects(words, run, run.stdout, "standard output")
        force.check_objects(words, run, run.stderr, "standard error")
        if '"warning":"trust_list_ends"' not in run.stderr:
            force.complain(words, run, "was to warn of the end in an object")
