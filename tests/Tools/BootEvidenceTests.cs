using System.Buffers.Binary;
using System.Security.Cryptography;
using BlackBox.Boot;
using Xunit;

namespace BlackBox.Tools.Tests;

/// <summary>The firmware's log and what is said of a boot, from bytes that nobody vouches for.</summary>
public sealed class BootEvidenceTests
{
    private static readonly byte[] Zeros = new byte[32];

    [Fact]
    public void A_log_replays_to_its_registers()
    {
        var log = EventLog.Read([.. Log((4, 0x8000_0003, "first"), (12, 0xd, "manifest"), (4, 0x8000_0003, "second")), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        Assert.Equal([4, 12, 4], log.Events.Select(item => item.Register));
        Assert.Equal(Extended("first", "second"), log.Replay(4));
        Assert.Equal(Extended("manifest"), log.Replay(12));
        Assert.Equal(Zeros, log.Replay(7));
        Assert.Equal(Extended("first", "other"), log.Replay(4, SHA256.HashData("other"u8)));
    }

    [Fact]
    public void A_cut_or_changed_log_is_refused_or_says_something_else()
    {
        var good = Log((4, 0x8000_0003, "first"), (12, 0xd, "manifest"));
        for (var length = 0; length < good.Length; length++)
        {
            try
            {
                Assert.True(EventLog.Read(good.AsSpan(0, length)).Events.Count < 2);
            }
            catch (FormatException)
            {
                // The other answer.
            }
        }

        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var changed = (byte[])good.Clone();
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            try
            {
                _ = EventLog.Read(changed).Replay(4);
            }
            catch (FormatException)
            {
                // The other answer.
            }
        }
    }

    [Fact]
    public void A_quote_that_is_none_is_refused()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = signer.ExportParameters(false).Q;
        byte[] key = [.. Convert.FromHexString("0023000b000504720000001000" + "18000b00030010"), 0, 32, .. point.X!, 0, 32, .. point.Y!];
        byte[] quote = [.. Convert.FromHexString("ff54434780180000" + "0020"), .. Zeros, .. new byte[25], .. Convert.FromHexString("00000001000b03ff1000" + "0020"), .. Zeros];
        byte[] Signed(byte[] text)
        {
            var signature = signer.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            return [0, 0x18, 0, 0x0b, 0, 32, .. signature[..32], 0, 32, .. signature[32..]];
        }

        Assert.Equal(Zeros, TpmQuote.Verify(quote, Signed(quote), key).Qualifier);
        foreach (var at in (int[])[0, 5, 74, 76, 77])    // magic, type, bank, registers
        {
            var other = (byte[])quote.Clone();
            other[at] ^= 1;
            Assert.Throws<FormatException>(() => TpmQuote.Verify(other, Signed(other), key));
            Assert.Throws<FormatException>(() => TpmQuote.Verify(other, Signed(quote), key));
        }

        // A key that signs whatever it is given (not restricted) proves nothing.
        key[5] = 4;
        Assert.Throws<FormatException>(() => TpmQuote.Verify(quote, Signed(quote), key));
        for (var length = 0; length < quote.Length; length++)
        {
            Assert.Throws<FormatException>(() => TpmQuote.Verify(quote[..length], Signed(quote[..length]), key));
        }
    }

    private static byte[] Extended(params string[] contents) =>
        contents.Aggregate(Zeros, (register, content) => SHA256.HashData([.. register, .. SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(content))]));

    private static byte[] Log(params (int Register, uint Type, string Content)[] events)
    {
        byte[] head = [.. "Spec ID Event03\0"u8, 0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0b, 0, 32, 0, 0];
        using var log = new MemoryStream();
        log.Write([.. Number(0), .. Number(3), .. new byte[20], .. Number((uint)head.Length), .. head]);
        foreach (var (register, type, content) in events)
        {
            var data = System.Text.Encoding.ASCII.GetBytes(content);
            log.Write([.. Number((uint)register), .. Number(type), .. Number(1), 0x0b, 0, .. SHA256.HashData(data), .. Number((uint)data.Length), .. data]);
        }

        return log.ToArray();
    }

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
