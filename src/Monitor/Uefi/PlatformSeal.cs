using System;
using System.Buffers.Binary;
using BlackBox.Cryptography;

namespace BlackBox.Monitor;

/// <summary>
/// The platform's seed and the highest counter of a boot manifest so far, together in the TPM's NV memory. Who reads or writes them must be in a state (PCR 4:
/// this program; 7: Secure Boot's keys; 12: what it starts) that the boot key has approved (TPM2_PolicyAuthorize), so that nobody else can plant a seed or an
/// older counter; who removes the index loses both.
/// </summary>
internal static class PlatformSeal
{
    /// <summary>Bytes of seed and counter (big-endian).</summary>
    public const int RecordLength = RootKey.Length + sizeof(ulong);

    private const uint NvDefineSpace = 0x12a;
    private const uint NvWrite = 0x137;
    private const uint NvRead = 0x14e;
    private const uint LoadExternal = 0x167;
    private const uint NvReadPublic = 0x169;
    private const uint PolicyAuthorize = 0x16a;
    private const uint StartAuthSession = 0x176;
    private const uint VerifySignature = 0x177;
    private const uint GetRandom = 0x17b;
    private const uint PolicyPcr = 0x17f;
    private const uint PolicyRestart = 0x180;
    private const uint PolicyGetDigest = 0x189;

    private const int Sized = 2;
    private const int DigestLength = Sized + Sha256.Length;
    private const int KeyPart = 48;
    private const int NameLength = Sized + 2 + Sha384.Length;
    private const int TicketHead = 8;
    private const int PublicAttributes = 8;
    private const int PublicPolicy = 12;
    private const byte Written = 0x20;

    private static TpmBytes _authorization;
    private static TpmBytes _state;
    private static TpmBytes _authority;
    private static int _authorityLength;

    /// <summary>What PCR 4, 7 and 12 are, as TPM2_PolicyPCR sums it up. An approval signs these 32 bytes and <see cref="Purpose"/>.</summary>
    public static ReadOnlySpan<byte> State => SizedState.Slice(Sized);

    private static ReadOnlySpan<byte> Purpose => SizedPurpose.Slice(Sized);

    private static ReadOnlySpan<byte> SizedPurpose => "\0\u0018blackbox/platform-seal/1"u8;

    private static ReadOnlySpan<byte> SizedState => ((ReadOnlySpan<byte>)_state).Slice(0, DigestLength);

    // The handle that authorizes, and the index.
    private static ReadOnlySpan<byte> IndexTwice => [0x01, 0x8b, 0xb0, 0x01, 0x01, 0x8b, 0xb0, 0x01];

    private static ReadOnlySpan<byte> Index => IndexTwice.Slice(4);

    private static ReadOnlySpan<byte> Owner => [0x40, 0, 0, 1];

    // TPM2B_NV_PUBLIC: index, SHA-256, attributes POLICYWRITE, POLICYREAD, NO_DA; policy; bytes.
    private static ReadOnlySpan<byte> Public =>
    [
        0, 46, 0x01, 0x8b, 0xb0, 0x01, 0, 0x0b, 2, 8, 0, 8, 0, 32,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, RecordLength,
    ];

    // TPMS_AUTH_COMMAND of the session, which goes on afterwards; it holds the session's handle.
    private static ReadOnlySpan<byte> Authorization => ((ReadOnlySpan<byte>)_authorization).Slice(0, 13);

    private static ReadOnlySpan<byte> Session => Authorization.Slice(4, 4);

    /// <summary>Has the boot key approved this state? <see cref="State"/> is known afterwards in any case.</summary>
    /// <param name="approval">a signature of the boot key, r and s</param>
    public static bool TryApprove(ReadOnlySpan<byte> approval)
    {
        // Neither a key nor another object behind it; nonce of 16 bytes, no salt, a policy session, no encryption, SHA-256.
        ReadOnlySpan<byte> kind = [0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x10, 0, 0x0b];
        bool good = Tpm.TrySend(StartAuthSession, [0x40, 0, 0, 7, 0x40, 0, 0, 7], kind, out ReadOnlySpan<byte> answer);
        Span<byte> authorization = _authorization;
        Tpm.NoPassword.CopyTo(authorization);
        answer.Slice(0, 4).CopyTo(authorization.Slice(4));
        authorization[10] = 1;
        good = good && TryBindRegisters() && Tpm.TrySend(PolicyGetDigest, Session, default, out answer);
        answer.Slice(0, DigestLength).CopyTo(_state);
        Purpose.CopyTo(((Span<byte>)_state).Slice(DigestLength));
        return good && approval.Length == 2 * KeyPart && TryVerify(approval);
    }

    /// <summary>Reads the record. Makes one with a new seed and the counter 0 if there is none.</summary>
    /// <param name="noise">random bytes that the firmware gave</param>
    /// <returns>false: there is one that is not ours, or the TPM does not answer as it should</returns>
    public static bool TryOpen(Span<byte> record, ReadOnlySpan<byte> noise)
    {
        Span<byte> expected = stackalloc byte[Public.Length];
        Public.CopyTo(expected);
        if (!TryAuthorize() || !Tpm.TrySend(PolicyGetDigest, Session, default, out ReadOnlySpan<byte> answer))
        {
            return false;
        }

        answer.Slice(Sized, Sha256.Length).CopyTo(expected.Slice(PublicPolicy + Sized));
        bool isThere = Tpm.TrySend(NvReadPublic, Index, default, out answer);
        expected[PublicAttributes] |= (byte)(answer[PublicAttributes] & Written);
        bool isWritten = isThere && (answer[PublicAttributes] & Written) != 0;
        bool isOurs = isThere ? answer.Slice(0, expected.Length).SequenceEqual(expected) : Tpm.TrySend(NvDefineSpace, Owner, Tpm.NoPassword, [0, 0], expected, default, out _);
        if (!isOurs || (!isWritten && !TryMake(record, noise)) || !TryAuthorize()
            || !Tpm.TrySend(NvRead, IndexTwice, Authorization, [0, RecordLength, 0, 0], default, default, out answer))
        {
            return false;
        }

        answer.Slice(sizeof(uint) + Sized, RecordLength).CopyTo(record);
        return true;
    }

    /// <summary>Writes the record.</summary>
    public static bool TryWrite(ReadOnlySpan<byte> record) =>
        TryAuthorize() && Tpm.TrySend(NvWrite, IndexTwice, Authorization, [0, RecordLength], record, [0, 0], out _);

    private static bool TryMake(Span<byte> record, ReadOnlySpan<byte> noise)
    {
        RandomGenerator generator = default;
        generator.Mix(noise);
        bool good = Tpm.TrySend(GetRandom, default, [0, Sha256.Length], out ReadOnlySpan<byte> answer) && answer[1] == Sha256.Length
            && generator.Reseed(answer.Slice(Sized, Sha256.Length)) && generator.Fill(record.Slice(0, RootKey.Length));
        record.Slice(RootKey.Length).Clear();
        generator.Wipe();
        return good && TryWrite(record);
    }

    // A policy holds for one command.
    private static bool TryAuthorize() => Tpm.TrySend(PolicyRestart, Session, default, out _) && TryBindRegisters()
        && Tpm.TrySend(PolicyAuthorize, Session, default, SizedState, ((ReadOnlySpan<byte>)_authority).Slice(0, _authorityLength), default, out _);

    // The digest that the caller expects is left empty; one bank, SHA-256; three bytes of bits.
    private static bool TryBindRegisters() => Tpm.TrySend(PolicyPcr, Session, [0, 0, 0, 0, 0, 1, 0, 0x0b, 3, 0x90, 0x10, 0], out _);

    // Leaves purpose, key's name and the TPM's own ticket for its signature, as TPM2_PolicyAuthorize wants them.
    private static bool TryVerify(ReadOnlySpan<byte> approval)
    {
        // No private part; TPM2B_PUBLIC of an ECC key: name by SHA-384, it signs, no policy, no restrictions, P-384.
        ReadOnlySpan<byte> kind = [0, 0, 0, 118, 0, 0x23, 0, 0x0c, 0, 4, 0, 0x40, 0, 0, 0, 0x10, 0, 0x10, 0, 4, 0, 0x10];
        Span<byte> pair = stackalloc byte[2 * (Sized + KeyPart)];
        WritePair(pair, BootKey.Public);
        if (!Tpm.TrySend(LoadExternal, default, default, kind, pair, Owner, out ReadOnlySpan<byte> answer))
        {
            return false;
        }

        Span<byte> handle = stackalloc byte[sizeof(uint)];
        answer.Slice(0, handle.Length).CopyTo(handle);
        Span<byte> authority = _authority;
        SizedPurpose.CopyTo(authority);
        int length = SizedPurpose.Length;
        answer.Slice(handle.Length, NameLength).CopyTo(authority.Slice(length));
        length += NameLength;

        Span<byte> digest = stackalloc byte[Sized + Sha384.Length];
        BinaryPrimitives.WriteUInt16BigEndian(digest, Sha384.Length);
        Sha384.Hash(((ReadOnlySpan<byte>)_state).Slice(Sized, Sha256.Length + Purpose.Length), digest.Slice(Sized));
        WritePair(pair, approval);
        bool good = Tpm.TrySend(VerifySignature, handle, default, digest, [0, 0x18, 0, 0x0c], pair, out answer);
        int ticket = TicketHead + answer[TicketHead - 1];
        answer.Slice(0, ticket).CopyTo(authority.Slice(length));
        _authorityLength = length + ticket;
        return good;
    }

    // Two numbers of P-384, sized.
    private static void WritePair(Span<byte> target, ReadOnlySpan<byte> pair)
    {
        BinaryPrimitives.WriteUInt16BigEndian(target, KeyPart);
        pair.Slice(0, KeyPart).CopyTo(target.Slice(Sized));
        BinaryPrimitives.WriteUInt16BigEndian(target.Slice(Sized + KeyPart), KeyPart);
        pair.Slice(KeyPart).CopyTo(target.Slice(Sized + KeyPart + Sized));
    }
}
