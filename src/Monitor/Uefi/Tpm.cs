using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BlackBox.Monitor;

[InlineArray(1024)]
internal struct TpmBytes
{
    private byte _first;
}

/// <summary>Commands to the TPM, through the firmware (TPM 2.0 Library, part 3; codes in part 2, table 12). All numbers are big-endian, "sized" is 16 bits of
/// length and the bytes: what one command answers goes into the next as it came.</summary>
internal static class Tpm
{
    private const int HeaderLength = 10;
    private const uint Retry = 0x922;    // TPM_RC_RETRY: not begun
    private const int Attempts = 100;

    private static TpmBytes _command;
    private static TpmBytes _answer;

    /// <summary>Authorization of what has no password (part 1, chapter 19): its size, TPM_RS_PW, three times nothing.</summary>
    public static ReadOnlySpan<byte> NoPassword => [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0];

    /// <summary>Sends a command that takes no authorization.</summary>
    public static bool TrySend(uint code, scoped ReadOnlySpan<byte> handles, scoped ReadOnlySpan<byte> parameters, out ReadOnlySpan<byte> answer) =>
        TrySend(code, handles, default, parameters, default, default, out answer);

    /// <summary>Sends a command.</summary>
    /// <param name="authorization">of its first handle, with size; empty: it takes none</param>
    /// <param name="first">its parameters are these three, one after another</param>
    /// <param name="answer">what follows the header; lasts until the next command</param>
    public static bool TrySend(
        uint code, scoped ReadOnlySpan<byte> handles, scoped ReadOnlySpan<byte> authorization,
        scoped ReadOnlySpan<byte> first, scoped ReadOnlySpan<byte> second, scoped ReadOnlySpan<byte> third, out ReadOnlySpan<byte> answer)
    {
        Span<byte> command = _command;
        int length = Append(Append(HeaderLength, handles), authorization);
        length = Append(Append(Append(length, first), second), third);
        BinaryPrimitives.WriteUInt16BigEndian(command, (ushort)(authorization.IsEmpty ? 0x8001 : 0x8002));
        BinaryPrimitives.WriteInt32BigEndian(command.Slice(2), length);
        BinaryPrimitives.WriteUInt32BigEndian(command.Slice(6), code);
        Span<byte> result = _answer;
        answer = result.Slice(HeaderLength);
        uint outcome = Retry;
        for (int i = 0; i < Attempts && outcome == Retry; i++)
        {
            result.Clear();
            outcome = Efi.TrySubmit(command.Slice(0, length), result) ? BinaryPrimitives.ReadUInt32BigEndian(result.Slice(6)) : uint.MaxValue;
        }

        return outcome == 0;
    }

    /// <summary>Forgets what the last command has said.</summary>
    public static void Wipe()
    {
        ((Span<byte>)_command).Clear();
        ((Span<byte>)_answer).Clear();
    }

    private static int Append(int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(((Span<byte>)_command).Slice(at));
        return at + bytes.Length;
    }
}
