using System.Buffers.Binary;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.Cose;
using BlackBox.Abi;
using BlackBox.Cryptography;
using Xunit;
using static BlackBox.Monitor.Tests.TestBed;

namespace BlackBox.Monitor.Tests;

/// <summary>The call Attest (src/Monitor/Hypercalls/Evidence.cs): what is signed is what the monitor says, read by .NET's own COSE and CBOR.</summary>
public sealed class AttestTests : IDisposable
{
    private const int ResultAt = 2048;

    private readonly TestBed _bed = new();

    public AttestTests()
    {
        _bed.Enter();
        for (int i = 0; i < 32; i++)
        {
            BootFacts.MonitorDigest[i] = (byte)i;
            BootFacts.ManifestDigest[i] = (byte)(0x80 + i);
        }

        Evidence.Prepare();
    }

    public void Dispose() => BootFacts.Flags = 0;

    [Theory]
    [InlineData(0u, false, 2u)]
    [InlineData(BootFacts.Development | BootFacts.DmaProtection, false, 0u)]
    [InlineData(BootFacts.Measured | BootFacts.SecureBoot | BootFacts.SealedKey | BootFacts.DmaProtection, true, 2u)]
    public void The_claims_are_the_monitors(uint facts, bool secureBoot, uint debug)
    {
        BootFacts.Flags = facts;
        byte[] nonce = RandomNumberGenerator.GetBytes(64);
        byte[] report = [0xa1, 0x01, 0x02];
        (byte[] evidence, Dictionary<long, object> claims) = Attest(nonce, report);

        Assert.Equal(12, claims.Count);
        Assert.Equal(nonce, claims[10]);
        Assert.Equal(secureBoot, claims[262]);
        Assert.Equal((ulong)debug, claims[263]);
        Assert.Equal("urn:blackbox:evidence:1", claims[265]);
        Assert.Equal(((ulong)AbiConstants.VersionMajor << 16) | AbiConstants.VersionMinor, claims[-70000]);
        Assert.Equal((ulong)facts, claims[-70001]);
        Assert.Equal(BootFacts.MonitorDigest.ToArray(), claims[-70002]);
        Assert.Equal(BootFacts.ManifestDigest.ToArray(), claims[-70003]);
        FrameRange shield = FrameTable.Layout.ShieldImage;
        Assert.Equal(SHA256.HashData(_bed.Machine.Bytes(shield.First.Address.Value, (int)((shield.Count - 1) * 4096))), claims[-70004]);
        Assert.Equal(PublicKey(), claims[-70005]);
        Assert.Equal(PublicKey(), claims[-70006]);
        Assert.Equal(report, claims[-70007]);
        Assert.True(evidence.Length <= ResultAt);
    }

    [Fact]
    public void The_longest_report_fits()
    {
        byte[] report = RandomNumberGenerator.GetBytes(Evidence.MaximumReport);
        Assert.Equal(report, Attest(new byte[64], report).Claims[-70007]);
    }

    /// <summary>What a shield says is fixed when it gets its key: nothing before, nothing else after, and no second key.</summary>
    [Fact]
    public void A_shield_cannot_change_what_it_says()
    {
        byte[] report = RandomNumberGenerator.GetBytes(100);
        Put(report);
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 100));
        Assert.Equal(Status.Denied, Unwrap(report, first: 0));    // no key of this platform
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 100));
        Assert.Equal(Status.Success, Unwrap(report, first: 0xa5));
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 100));

        byte[] other = [.. report];
        other[99] ^= 1;
        Assert.Equal(Status.Denied, Unwrap(other, first: 0xa5));
        Put(other);
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 100));
        Put(report);
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 99));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 101));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 0));
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.Attest, F(1), 100));
    }

    /// <summary>The next enclave in the same place of the table has said nothing.</summary>
    [Fact]
    public void A_new_enclave_has_no_report()
    {
        EnclaveTable.At(1).Opened = 1;
        ((Span<byte>)EnclaveTable.At(1).Report).Fill(7);
        _bed.CreateEnclave(1);
        Assert.Equal(0u, EnclaveTable.At(1).Opened);
        Assert.Equal(new byte[32], ((ReadOnlySpan<byte>)EnclaveTable.At(1).Report).ToArray());
    }

    private void Put(byte[] report) => report.CopyTo(_bed.Machine.Bytes(F(1) + 64, report.Length));

    private Status Unwrap(byte[] report, byte first)
    {
        byte[] digest = SHA256.HashData(report);
        _bed.Machine.Bytes(F(2), 1)[0] = first;
        _bed.Cpu.Container.General[3] = BinaryPrimitives.ReadUInt64LittleEndian(digest.AsSpan(16));
        _bed.Cpu.Container.General[4] = BinaryPrimitives.ReadUInt64LittleEndian(digest.AsSpan(24));
        return _bed.ShieldStatus(ShieldFunction.UnwrapKey, F(2), BinaryPrimitives.ReadUInt64LittleEndian(digest), BinaryPrimitives.ReadUInt64LittleEndian(digest.AsSpan(8)));
    }

    [Fact]
    public void Arguments_are_checked_and_a_refusal_writes_nothing()
    {
        byte[] before = _bed.Machine.Peek(F(1), 4096).ToArray();
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.Attest, F(1) + 8, 0));
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.Attest, F(1), Evidence.MaximumReport + 1));
        Assert.Equal(Status.Invalid, _bed.ShieldStatus(ShieldFunction.Attest, F(1), ulong.MaxValue));
        Assert.Equal(0UL, _bed.Cpu.Container.General[1]);
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, F(BlockTwo), 0));
        Assert.Equal(Status.Denied, _bed.ShieldStatus(ShieldFunction.Attest, FrameTable.Layout.ShieldImage.First.Address.Value, 0));
        Assert.Equal(before, _bed.Machine.Peek(F(1), 4096).ToArray());
    }

    private (byte[] Evidence, Dictionary<long, object> Claims) Attest(byte[] nonce, byte[] report)
    {
        Span<byte> page = _bed.Machine.Bytes(F(1), 4096);
        SHA256.HashData(report).CopyTo(EnclaveTable.At(0).Report);
        nonce.CopyTo(page);
        report.CopyTo(page[64..]);
        Assert.Equal(Status.Success, _bed.ShieldStatus(ShieldFunction.Attest, F(1), (ulong)report.Length));
        byte[] evidence = _bed.Machine.Peek(F(1) + ResultAt, (int)_bed.Cpu.Container.General[1]).ToArray();
        CoseSign1Message message = CoseMessage.DecodeSign1(evidence);
        byte[] key = PublicKey();
        using ECDsa verifier = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP384, Q = new ECPoint { X = key[..48], Y = key[48..] } });
        Assert.True(message.VerifyEmbedded(verifier));
        Assert.Equal(-35, message.ProtectedHeaders[CoseHeaderLabel.Algorithm].GetValueAsInt32());

        // Canonical: keys in order, shortest form.
        CborReader reader = new(message.Content!.Value, CborConformanceMode.Canonical);
        Dictionary<long, object> claims = [];
        for (int? pairs = reader.ReadStartMap(); pairs > 0; pairs--)
        {
            long claim = reader.ReadInt64();
            claims[claim] = reader.PeekState() switch
            {
                CborReaderState.ByteString => reader.ReadByteString(),
                CborReaderState.TextString => reader.ReadTextString(),
                CborReaderState.Boolean => reader.ReadBoolean(),
                _ => reader.ReadUInt64(),
            };
        }

        reader.ReadEndMap();
        Assert.Equal(0, reader.BytesRemaining);
        return (evidence, claims);
    }

    private static byte[] PublicKey()
    {
        byte[] key = new byte[EcdhP384.PublicKeyLength];
        MonitorKeys.MakePublic(MonitorKeys.AttestPurpose, key);
        return key;
    }
}
