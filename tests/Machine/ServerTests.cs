using BlackBox.Building;
using BlackBox.Containers;
using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Machine.Tests;

/// <summary>Real servers of Debian, protected, all at once on two CPUs, asked by plain containers beside them.</summary>
public sealed class ServerTests
{
    // Threads, pipelines through subprocesses, and sockets.
    private const string PythonScript = """
        import socket, subprocess, threading
        out = subprocess.run("printf 'b\\na\\nc\\n' | sort | head -2", shell=True, capture_output=True, text=True).stdout
        server = socket.create_server(("127.0.0.1", 0))
        def answer():
            peer, _ = server.accept()
            with peer: peer.sendall(peer.recv(100).upper())
        threads = [threading.Thread(target=answer)]
        numbers = []
        lock = threading.Lock()
        def count(n):
            for i in range(2000):
                with lock: numbers.append(n)
        threads += [threading.Thread(target=count, args=(n,)) for n in range(4)]
        for t in threads: t.start()
        with socket.create_connection(server.getsockname()) as client:
            client.sendall(b"hello")
            reply = client.recv(100)
        for t in threads: t.join()
        print(repr(out), reply, len(numbers))
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_nginx_and_python_run_protected_at_once_beside_plain_containers()
    {
        var guest = await Guests.EnvironmentAsync();
        var source = new ImageSource(guest, NoProgress.Instance);
        using var redis = await source.OpenAsync("redis", null, wantProtected: true, Cancellation);
        using var nginx = await source.OpenAsync("nginx", null, wantProtected: true, Cancellation);
        using var python = await source.OpenAsync("python", null, wantProtected: true, Cancellation);
        using var plain = await source.OpenAsync("redis", null, wantProtected: false, Cancellation);
        using var plainPython = await source.OpenAsync("python", null, wantProtected: false, Cancellation);
        var build = new ProductBuild(guest.Kernel, NoProgress.Instance);
        var options = new MachineOptions { Monitor = await build.MonitorAsync(Cancellation), MemoryMiB = 2048, BootTimeout = TimeSpan.FromMinutes(4) };
        const string Fetch = "import urllib.request; print(sum(urllib.request.urlopen('http://127.0.0.1/').status == 200 for i in range(20)))";
        Container[] containers =
        [
            new("redis", redis.Content), new("nginx", nginx.Content), new("script", python.Content, ["-c", PythonScript]),
            new("ask", plain.Content with { Configuration = plain.Content.Configuration with { Entrypoint = ["/usr/bin/redis-benchmark"] } }, ["-t", "set,get", "-n", "1000", "-r", "500", "--csv"]),
            new("save", plain.Content with { Configuration = plain.Content.Configuration with { Entrypoint = ["/usr/bin/redis-cli"] } }, ["BGSAVE"]),
            new("last", plain.Content with { Configuration = plain.Content.Configuration with { Entrypoint = ["/usr/bin/redis-cli"] } }, ["INFO", "persistence"]),
            new("size", plain.Content with { Configuration = plain.Content.Configuration with { Entrypoint = ["/usr/bin/redis-cli"] } }, ["DBSIZE"]),
            new("fetch", plainPython.Content, ["-c", Fetch]),
        ];
        await using var machine = await ContainerMachine.StartAsync(options, containers, guest, build, NoProgress.Instance, Cancellation);
        await machine.RunAsync("for c in redis nginx; do blackbox-runtime run -d --bundle /containers/$c $c </dev/null >/run/$c.out 2>&1; done");
        await machine.RunAsync("for i in $(seq 100); do grep -q 'Ready to accept' /run/redis.out && break; sleep 0.2; done");

        // All at once: the two servers are asked, while the third protected container works.
        var result = await machine.ExecuteAsync(
            """
            blackbox-runtime run --bundle /containers/script script </dev/null >/run/script.out 2>&1 & script=$!
            runc run --bundle /containers/fetch fetch </dev/null >/run/fetch.out 2>&1 & fetch=$!
            runc run --bundle /containers/ask ask </dev/null >/run/ask.out 2>&1; echo "ask $?"
            wait $script; echo "script $?"; wait $fetch; echo "fetch $?"
            runc run --bundle /containers/save save </dev/null; sleep 2; runc run --bundle /containers/last last </dev/null | grep -E 'rdb_last_bgsave_status|rdb_saves'
            runc run --bundle /containers/size size </dev/null
            cat /run/script.out /run/fetch.out; ls -l /containers/redis/rootfs/data
            """, TimeSpan.FromMinutes(5), cancellation: Cancellation);
        Assert.True(result.ExitCode == 0, result.Output);
        foreach (var expected in (string[])["ask 0", "script 0", "fetch 0", "rdb_last_bgsave_status:ok", "'a\\nb\\n' b'HELLO' 8000", "\n20\n", "dump.rdb"])
        {
            Assert.True(result.Output.Replace("\r", "", StringComparison.Ordinal).Contains(expected, StringComparison.Ordinal), $"'{expected}' is missing in: {result.Output}\n{await machine.RunAsync("cat /run/*.out | tail -50")}");
        }
    }
}
