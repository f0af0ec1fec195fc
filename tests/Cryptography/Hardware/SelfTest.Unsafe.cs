using System;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Threading;

namespace BlackBox.Cryptography.Tests;

/// <summary>
/// Runs the library at EL2, once with the portable code and once with the processor's instructions, and reports on the
/// PL011 of QEMU's "virt" machine: one line "ok ..." or "FAIL ..." a check, one "time ..." a measurement, "done" last.
/// </summary>
internal static unsafe class SelfTest
{
    private const int BlockSize = 4096;

    private static Bytes8192 s_first;
    private static Bytes8192 s_second;

    [RuntimeExport("test_main")]
    private static void Main(ulong idAa64Isar0)
    {
        InstructionSet instructions = new(idAa64Isar0);
        Print("-- portable\n"u8);
        CheckPublished();
        Measure();

        // The same inputs with either: state that the portable code has left is what the instructions must find.
        Span<byte> portable = s_first;
        Span<byte> accelerated = s_second;
        EncryptAll(portable);

        Check(instructions.Aes && instructions.Pmull && instructions.Sha256, "the processor has the instructions"u8);
        instructions.Use();
        Print("-- instructions\n"u8);
        CheckPublished();
        EncryptAll(accelerated);
        Check(portable.SequenceEqual(accelerated), "both give the same ciphertexts, tags and digests"u8);
        Measure();
        Print("done\n"u8);
    }

    private static void CheckPublished()
    {
        // FIPS 180-2: "abc".
        Span<byte> digest = stackalloc byte[48];
        Sha256.Hash("abc"u8, digest[..32]);
        Check(digest[..32].SequenceEqual(Sha256OfAbc), "SHA-256"u8);
        Sha384.Hash("abc"u8, digest);
        Check(digest.SequenceEqual(Sha384OfAbc), "SHA-384"u8);

        // RFC 4231, test case 2.
        Hmac<Sha256>.Compute("Jefe"u8, "what do ya want for nothing?"u8, digest[..32]);
        Check(digest[..32].SequenceEqual(HmacCase2), "HMAC-SHA-256"u8);

        // The GCM specification, test case 14.
        Aes256Gcm gcm = default;
        Span<byte> key = stackalloc byte[32];
        Span<byte> nonce = stackalloc byte[12];
        Span<byte> data = stackalloc byte[16];
        Span<byte> tag = stackalloc byte[16];
        key.Clear();
        nonce.Clear();
        data.Clear();
        gcm.Initialize(key);
        gcm.Encrypt(nonce, default, data, tag);
        Check(data.SequenceEqual(GcmCase14Cipher) && tag.SequenceEqual(GcmCase14Tag), "AES-256-GCM, encryption"u8);
        Check(gcm.Decrypt(nonce, default, data, tag) && !data.ContainsAnyExcept((byte)0), "AES-256-GCM, decryption"u8);
        gcm.Encrypt(nonce, default, data, tag);
        tag[15] ^= 1;
        Check(!gcm.Decrypt(nonce, default, data, tag) && !data.ContainsAnyExcept((byte)0), "AES-256-GCM, a wrong tag"u8);

        // RFC 6979, appendix A.2.6: "sample" with SHA-384.
        Check(EcdsaP384.VerifyMessage(PublicKey, "sample"u8, Signature), "ECDSA P-384"u8);
        Check(!EcdsaP384.VerifyMessage(PublicKey, "simple"u8, Signature), "ECDSA P-384, another message"u8);

        Span<byte> signature = stackalloc byte[96];
        Check(EcdsaP384.SignMessage(PrivateKey, "sample"u8, signature) && signature.SequenceEqual(Signature), "ECDSA P-384, signing"u8);
        Span<byte> secret = stackalloc byte[48];
        Check(EcdhP384.TryAgree(PrivateKey, PublicKey, secret) && secret.ContainsAnyExcept((byte)0), "ECDH P-384"u8);
        Check(EcdhP384.TryGetPublicKey(PrivateKey, signature) && signature.SequenceEqual(PublicKey), "P-384, public key"u8);

        RandomGenerator generator = default;
        Check(!generator.Fill(data) && generator.Reseed(key) && generator.Fill(data), "random generator"u8);
        Check(data.ContainsAnyExcept((byte)0), "random bytes"u8);
    }

    // Messages of growing length, one after the other, each with its tag and the digest of both.
    private static void EncryptAll(Span<byte> output)
    {
        Aes256Gcm gcm = default;
        Span<byte> key = stackalloc byte[32];
        for (int i = 0; i < key.Length; i++)
        {
            key[i] = (byte)(i * 7);
        }

        output.Clear();
        int position = 0;
        for (int length = 0; position + length + 48 <= output.Length; length++)
        {
            gcm.Initialize(key);
            Span<byte> data = output.Slice(position, length);
            gcm.Encrypt(key[..12], output[..(length / 3)], data, output.Slice(position + length, 16));
            Sha256.Hash(output[..(position + length + 16)], key);
            position += length + 16;
        }
    }

    private static void Measure()
    {
        Aes256Gcm gcm = default;
        Span<byte> key = stackalloc byte[32];
        Span<byte> tag = stackalloc byte[16];
        key.Clear();
        gcm.Initialize(key);
        Span<byte> block = s_second;
        block = block[..BlockSize];
        ulong start = Counter();
        gcm.Encrypt(key[..12], default, block, tag);
        Report("AES-256-GCM, 4 KiB"u8, start);
        start = Counter();
        Sha256.Hash(block, key);
        Report("SHA-256, 4 KiB"u8, start);
        start = Counter();
        EcdsaP384.VerifyMessage(PublicKey, "sample"u8, Signature);
        Report("ECDSA P-384 verification"u8, start);
        Span<byte> signature = stackalloc byte[96];
        start = Counter();
        EcdsaP384.SignMessage(PrivateKey, "sample"u8, signature);
        Report("ECDSA P-384 signing"u8, start);

        // One, 2^383, n - 1 and the published key: the time must be the same.
        Span<byte> secret = stackalloc byte[48];
        secret.Clear();
        secret[47] = 1;
        MeasureKey(secret, signature);
        secret[47] = 0;
        secret[0] = 0x80;
        MeasureKey(secret, signature);
        LastScalar.CopyTo(secret);
        MeasureKey(secret, signature);
        MeasureKey(PrivateKey, signature);
    }

    private static void MeasureKey(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        ulong start = Counter();
        EcdhP384.TryGetPublicKey(privateKey, publicKey);
        Report("P-384 with a secret scalar"u8, start);
    }

    // The counter runs at 62.5 MHz; with -icount shift=0 one instruction takes 1 ns.
    private static void Report(ReadOnlySpan<byte> name, ulong start)
    {
        ulong nanoseconds = (Counter() - start) * 16;
        Span<byte> digits = stackalloc byte[20];
        int first = digits.Length;
        do
        {
            digits[--first] = (byte)('0' + (nanoseconds % 10));
            nanoseconds /= 10;
        }
        while (nanoseconds != 0);

        Print("time "u8);
        Print(name);
        Print(": "u8);
        Print(digits[first..]);
        Print(" ns\n"u8);
    }

    private static void Check(bool condition, ReadOnlySpan<byte> name)
    {
        Print(condition ? "ok   "u8 : "FAIL "u8);
        Print(name);
        Print("\n"u8);
    }

    private static void Print(ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
        {
            Volatile.Write(ref Unsafe.AsRef<uint>((void*)0x09000000), character);
        }
    }

    [RuntimeExport("bb_panic")]
    private static void OnPanic(byte* text, nuint length, nuint returnAddress, nuint framePointer)
    {
        Print("FAIL panic: "u8);
        Print(new ReadOnlySpan<byte>(text, (int)length));
        Print("\n"u8);
        PowerOff();
    }

    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "test_power_off")]
    private static extern void PowerOff();

    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "test_counter")]
    private static extern ulong Counter();

    private static ReadOnlySpan<byte> Sha256OfAbc =>
    [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    ];

    private static ReadOnlySpan<byte> Sha384OfAbc =>
    [
        0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b, 0xb5, 0xa0, 0x3d, 0x69, 0x9a, 0xc6, 0x50, 0x07,
        0x27, 0x2c, 0x32, 0xab, 0x0e, 0xde, 0xd1, 0x63, 0x1a, 0x8b, 0x60, 0x5a, 0x43, 0xff, 0x5b, 0xed,
        0x80, 0x86, 0x07, 0x2b, 0xa1, 0xe7, 0xcc, 0x23, 0x58, 0xba, 0xec, 0xa1, 0x34, 0xc8, 0x25, 0xa7,
    ];

    private static ReadOnlySpan<byte> HmacCase2 =>
    [
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
        0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
    ];

    private static ReadOnlySpan<byte> GcmCase14Cipher =>
    [
        0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18,
    ];

    private static ReadOnlySpan<byte> GcmCase14Tag =>
    [
        0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19,
    ];

    private static ReadOnlySpan<byte> PublicKey =>
    [
        0xec, 0x3a, 0x4e, 0x41, 0x5b, 0x4e, 0x19, 0xa4, 0x56, 0x86, 0x18, 0x02, 0x9f, 0x42, 0x7f, 0xa5,
        0xda, 0x9a, 0x8b, 0xc4, 0xae, 0x92, 0xe0, 0x2e, 0x06, 0xaa, 0xe5, 0x28, 0x6b, 0x30, 0x0c, 0x64,
        0xde, 0xf8, 0xf0, 0xea, 0x90, 0x55, 0x86, 0x60, 0x64, 0xa2, 0x54, 0x51, 0x54, 0x80, 0xbc, 0x13,
        0x80, 0x15, 0xd9, 0xb7, 0x2d, 0x7d, 0x57, 0x24, 0x4e, 0xa8, 0xef, 0x9a, 0xc0, 0xc6, 0x21, 0x89,
        0x67, 0x08, 0xa5, 0x93, 0x67, 0xf9, 0xdf, 0xb9, 0xf5, 0x4c, 0xa8, 0x4b, 0x3f, 0x1c, 0x9d, 0xb1,
        0x28, 0x8b, 0x23, 0x1c, 0x3a, 0xe0, 0xd4, 0xfe, 0x73, 0x44, 0xfd, 0x25, 0x33, 0x26, 0x47, 0x20,
    ];

    private static ReadOnlySpan<byte> PrivateKey =>
    [
        0x6b, 0x9d, 0x3d, 0xad, 0x2e, 0x1b, 0x8c, 0x1c, 0x05, 0xb1, 0x98, 0x75, 0xb6, 0x65, 0x9f, 0x4d,
        0xe2, 0x3c, 0x3b, 0x66, 0x7b, 0xf2, 0x97, 0xba, 0x9a, 0xa4, 0x77, 0x40, 0x78, 0x71, 0x37, 0xd8,
        0x96, 0xd5, 0x72, 0x4e, 0x4c, 0x70, 0xa8, 0x25, 0xf8, 0x72, 0xc9, 0xea, 0x60, 0xd2, 0xed, 0xf5,
    ];

    // n - 1
    private static ReadOnlySpan<byte> LastScalar =>
    [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
        0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x72,
    ];

    private static ReadOnlySpan<byte> Signature =>
    [
        0x94, 0xed, 0xbb, 0x92, 0xa5, 0xec, 0xb8, 0xaa, 0xd4, 0x73, 0x6e, 0x56, 0xc6, 0x91, 0x91, 0x6b,
        0x3f, 0x88, 0x14, 0x06, 0x66, 0xce, 0x9f, 0xa7, 0x3d, 0x64, 0xc4, 0xea, 0x95, 0xad, 0x13, 0x3c,
        0x81, 0xa6, 0x48, 0x15, 0x2e, 0x44, 0xac, 0xf9, 0x6e, 0x36, 0xdd, 0x1e, 0x80, 0xfa, 0xbe, 0x46,
        0x99, 0xef, 0x4a, 0xeb, 0x15, 0xf1, 0x78, 0xce, 0xa1, 0xfe, 0x40, 0xdb, 0x26, 0x03, 0x13, 0x8f,
        0x13, 0x0e, 0x74, 0x0a, 0x19, 0x62, 0x45, 0x26, 0x20, 0x3b, 0x63, 0x51, 0xd0, 0xa3, 0xa9, 0x4f,
        0xa3, 0x29, 0xc1, 0x45, 0x78, 0x6e, 0x67, 0x9e, 0x7b, 0x82, 0xc7, 0x1a, 0x38, 0x62, 0x8a, 0xc8,
    ];
}

[InlineArray(8192)]
internal struct Bytes8192
{
    private byte _first;
}
