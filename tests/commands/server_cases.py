"""melder-server."""

import os
import pathlib
import signal
import subprocess

S = "melder-server"


def before(force):
    """Nothing is there yet."""
    force.refuse([S], 2, "see `melder-server --help`")
    force.refuse([S, "frobnicate"], 2, "no command \"frobnicate\"")
    force.refuse([S, "init"], 2, "directory is required")
    force.refuse([S, "init", "srv", "--listen", "nowhere"], 2, "--listen takes ADDRESS:PORT")
    force.refuse([S, "init", "srv", "--watch", "0.0.0.0:1"], 2, "of this machine")
    force.refuse([S, "init", "srv", "--order-log-copy", "no/such/disk/log"], 1, ("no/such/disk", "mount"))
    force.refuse([S, "init", "/proc/srv"], 1, "/proc/srv")
    force.refuse([S, "run"], 2, "melder-server init DIRECTORY")
    force.refuse([S, "run", "--config", "nothing.toml"], 2, "nothing.toml cannot be read")
    force.refuse([S, "run", "--verbos"], 2, "--verbos")
    force.refuse([S, "inspect", "--config", "nothing.toml"], 2, "nothing.toml cannot be read")
    force.refuse([S, "inspect", "--limit", "many"], 2, "--limit")
    force.refuse([S, "keys"], 2, "see `melder-server keys --help`")
    force.refuse([S, "keys", "show", "--config", "nothing.toml"], 2, "nothing.toml cannot be read")
    force.refuse([S, "keys", "next", "--config", "nothing.toml"], 2, "nothing.toml cannot be read")
    broken = force.write("broken.toml", "[link]\nlisten = 5\n")
    force.refuse([S, "run", "--config", broken], 2, ("broken.toml", "line 2", "link.listen"))
    if [p for p in force.root.iterdir() if p.name.startswith("srv")]:
        force.book.findings.append("a refused init left something behind")

    (force.root / "disk2").mkdir()
    line = [S, "init", "srv", "--listen", "127.0.0.1:0", "--watch", "127.0.0.1:0", "--order-log-copy", "disk2/log"]
    force.run(line, ("is set up", "trust sign srv/setup-request"), also_json=False)
    force.run([S, "--json", "init", "srv2"], '"setup_request":"srv2/setup-request"')
    force.refuse(line, 1, "srv is not empty")
    force.refuse([S, "run", "--config", "srv/melder.toml"], 2, ("root-set cannot be read", "melder-admin root init"))
    force.run([S, "keys", "show", "--config", "srv/melder.toml"], ("not in the trust list", "trust list none yet"))
    force.refuse([S, "keys", "next", "--statement", "--config", "srv/melder.toml"], 1, "does not name the next statement key")


def set_up(force):
    """The list is signed: the server can start."""
    force.run([S, "keys", "show", "--config", "srv/melder.toml"], "trust list version 1, ends on 20")
    with open("/dev/full", "w") as full:
        force.refuse([S, "keys", "show", "--config", "srv/melder.toml"], 1, "standard output cannot be written", stdout=full)
    force.start()
    force.refuse([S, "run", "--config", "srv/melder.toml"], 1, "another process owns the store")
    force.refuse([S, "inspect", "--config", "srv/melder.toml"], 1, "stop that one first")


def after(force):
    """The server stops; what is left."""
    force.run([S, "keys", "next", "--config", "srv/melder.toml"], ("kill -HUP", "--drop-pin", "trust publish"))
    force.run([S, "keys", "next", "--statement", "--config", "srv/melder.toml"], "trust publish", also_json=False)
    force.stop()
    force.run([S, "inspect", "--limit", "5", "--config", "srv/melder.toml"], ("devices", "days of last logins"))
    # An epoch of another server: the store is not the one that ran last.
    epoch = pathlib.Path(force.path("srv/epoch"))
    kept = epoch.read_bytes()
    epoch.write_bytes(bytes([kept[0] ^ 1]) + kept[1:])
    force.refuse([S, "run", "--config", "srv/melder.toml"], 1, "--restored")
    epoch.write_bytes(kept)
    run_until_ready(force, [S, "run", "--restored", "--config", "srv/melder.toml"], "ready on port ")
    run_until_ready(force, [S, "run", "--json", "--config", "srv/melder.toml"], '{"ready_on_port":')
    key = pathlib.Path(force.path("srv/keys/directory.key"))
    key.write_bytes(os.urandom(32))
    force.refuse([S, "run", "--config", "srv/melder.toml"], 1, "directory key")
    force.run([S, "--version"], "melder-server ", also_json=False)


def run_until_ready(force, words, says):
    """A server that is asked to stop as soon as it says that it is ready."""
    process = subprocess.Popen([str(force.folder / words[0]), *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, cwd=force.root)
    seen = ""
    for line in process.stdout:
        seen += line
        if says in line:
            break
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    code = process.wait(60)
    force.book.note(words, code, "--json" in words)
    if code != 0 or says not in seen:
        force.book.findings.append(f"$ {' '.join(words)}\n    was to start and stop; exit code {code}: {seen[:500]!r}")
