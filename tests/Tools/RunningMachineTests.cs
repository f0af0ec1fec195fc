using System.Net.Sockets;
using System.Text;
using BlackBox.Emulation;
using BlackBox.Hosting;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>Questions to a machine that another process runs; its guest may answer anything.</summary>
public sealed class RunningMachineTests : IDisposable
{
    private readonly List<string> _folders = [];

    public void Dispose() => _folders.ForEach(folder => Directory.Delete(folder, recursive: true));

    [Theory]
    [InlineData("ID {\"written\":0}\n", "{\"written\":0}")]
    [InlineData("rest of a line\nffff another answer\nID yes\nID no\n", "yes")]
    public async Task The_answer_is_the_line_with_the_question_s_number(string guest, string answer)
    {
        using var socket = Listen(out var machine);
        var served = ServeAsync(socket, guest);
        Assert.Equal(answer, await machine.AskAsync("audit", TestContext.Current.CancellationToken));
        Assert.Equal("audit", await served);
    }

    [Theory]
    [InlineData("ID ! there is no device\n", "there is no device")]
    [InlineData("", "cannot be asked")]
    [InlineData("ID half of an answ", "cannot be asked")]
    public async Task No_answer_is_an_error_that_says_why(string guest, string message)
    {
        using var socket = Listen(out var machine);
        var served = ServeAsync(socket, guest);
        var error = await Assert.ThrowsAsync<BlackBoxException>(() => machine.AskAsync("audit", TestContext.Current.CancellationToken));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        await served;
    }

    [Fact]
    public async Task An_answer_without_end_is_refused()
    {
        using var socket = Listen(out var machine);
        var served = ServeAsync(socket, new string('x', 3 << 20));
        await Assert.ThrowsAsync<BlackBoxException>(() => machine.AskAsync("audit", TestContext.Current.CancellationToken));
        await served;
    }

    [Fact]
    public void Of_several_machines_one_must_be_named()
    {
        using var one = Listen(out var machine);
        Assert.Equal(machine.Process, RunningMachine.Choose(machine.Process).Process);
        using var two = Listen(out _);
        Assert.Contains("more than one", Assert.Throws<BlackBoxException>(() => RunningMachine.Choose(null)).Message, StringComparison.Ordinal);
        Assert.Contains("runs no machine", Assert.Throws<BlackBoxException>(() => RunningMachine.Choose(int.MaxValue)).Message, StringComparison.Ordinal);
    }

    private Socket Listen(out RunningMachine machine)
    {
        var folder = Path.Combine(Path.GetTempPath(), $"blackbox-run-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..8]}");
        Directory.CreateDirectory(folder);
        _folders.Add(folder);
        var path = Path.Combine(folder, "questions");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen(1);
        machine = RunningMachine.Find().Single(found => found.Path == path);
        return socket;
    }

    // What the question was.
    private static async Task<string> ServeAsync(Socket listener, string answer)
    {
        using var connection = await listener.AcceptAsync();
        var buffer = new byte[256];
        var question = Encoding.ASCII.GetString(buffer, 0, await connection.ReceiveAsync(buffer)).TrimEnd().Split(' ');
        try
        {
            await connection.SendAsync(Encoding.ASCII.GetBytes(answer.Replace("ID", question[0], StringComparison.Ordinal)));
        }
        catch (SocketException)
        {
            // Hung up on: the answer was too long.
        }

        return question[1];
    }
}
