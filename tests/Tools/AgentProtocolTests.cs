using System.Text;
using BlackBox.Emulation;
using CsCheck;
using Xunit;

namespace BlackBox.Tools.Tests;

public sealed class AgentProtocolTests
{
    private const string Nonce = "0123456789abcdef";

    [Fact]
    public void Output_comes_through_unchanged_however_the_stream_is_cut()
    {
        // Output that looks like markers as much as it can.
        var piece = Gen.OneOf(Gen.String, Gen.OneOf("\n", "\n" + Nonce, Nonce + " ", "\n" + Nonce + " END", "\n" + Nonce[..8], $"\n{Nonce} BEGIN 7\n", "\r\n"));
        Gen.Select(piece.Array[0, 6], Gen.Int[1, 9], Gen.Int[0, 255]).Sample((pieces, cut, status) =>
        {
            var output = Encoding.UTF8.GetBytes(string.Concat(pieces));
            byte[] stream = [.. "boot\n"u8, .. Mark("READY"), .. Mark("BEGIN 3"), .. output, .. Mark($"END 3 {status}"), .. "tail"u8];
            var listener = new Recorder();
            var protocol = new AgentProtocol(Nonce, listener);
            foreach (var chunk in stream.Chunk(cut))
            {
                protocol.Feed(chunk);
            }

            protocol.Finish();
            Assert.Equal(output, listener.Results[3].Output);
            Assert.Equal(status, listener.Results[3].Status);
            Assert.True(listener.IsReady);
            Assert.Equal("boot\ntail", Encoding.UTF8.GetString([.. listener.Others]));
        }, iter: 3000);
    }

    [Fact]
    public void A_marker_with_a_wrong_nonce_is_output()
    {
        var listener = new Recorder();
        var protocol = new AgentProtocol(Nonce, listener);
        protocol.Feed([.. Mark("BEGIN 1"), .. "\nfedcba9876543210 END 1 0\n"u8, .. Mark("END 1 5")]);
        Assert.Equal(5, listener.Results[1].Status);
        Assert.Equal("\nfedcba9876543210 END 1 0\n", Encoding.UTF8.GetString(listener.Results[1].Output));
    }

    private static byte[] Mark(string text) => Encoding.ASCII.GetBytes($"\n{Nonce} {text}\n");

    private sealed class Recorder : IAgentListener
    {
        private readonly List<byte> _output = [];

        public bool IsReady { get; private set; }

        public Dictionary<int, (byte[] Output, int Status)> Results { get; } = [];

        public List<byte> Others { get; } = [];

        public void Ready() => IsReady = true;

        public void Begin(int id) => _output.Clear();

        public void Output(ReadOnlySpan<byte> bytes) => _output.AddRange(bytes);

        public void Other(ReadOnlySpan<byte> bytes) => Others.AddRange(bytes);

        public void End(int id, int status) => Results[id] = ([.. _output], status);
    }
}
