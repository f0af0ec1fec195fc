using System.Runtime.CompilerServices;

namespace BlackBox.Cryptography;

/// <summary>Sixteen bytes in place: one AES block.</summary>
[InlineArray(16)]
internal struct Bytes16
{
    private byte _first;
}

/// <summary>Thirty-two bytes in place: a 256-bit key or digest.</summary>
[InlineArray(32)]
internal struct Bytes32
{
    private byte _first;
}

/// <summary>Forty-eight bytes in place: a 384-bit digest or scalar.</summary>
[InlineArray(48)]
internal struct Bytes48
{
    private byte _first;
}

/// <summary>Sixty-four bytes in place: a block of SHA-256 or ChaCha20, or four of AES.</summary>
[InlineArray(64)]
internal struct Bytes64
{
    private byte _first;
}

/// <summary>A hundred and twenty-eight bytes in place: a block of SHA-384.</summary>
[InlineArray(128)]
internal struct Bytes128
{
    private byte _first;
}

/// <summary>Eight 32-bit words in place.</summary>
[InlineArray(8)]
internal struct Words8
{
    private uint _first;
}

/// <summary>Sixteen 32-bit words in place.</summary>
[InlineArray(16)]
internal struct Words16
{
    private uint _first;
}

/// <summary>Sixty 32-bit words in place: the key schedule of AES-256, 240 bytes in the order of FIPS 197.</summary>
[InlineArray(60)]
internal struct Words60
{
    private uint _first;
}

/// <summary>Eight 64-bit words in place.</summary>
[InlineArray(8)]
internal struct Longs8
{
    private ulong _first;
}

/// <summary>Sixteen 64-bit words in place.</summary>
[InlineArray(16)]
internal struct Longs16
{
    private ulong _first;
}

/// <summary>A hundred and twenty 64-bit words in place: fifteen round keys, each of eight bit planes.</summary>
[InlineArray(120)]
internal struct Longs120
{
    private ulong _first;
}

/// <summary>A digest of SHA-256, in place.</summary>
[InlineArray(Sha256.Length)]
public struct Sha256Digest
{
    private byte _first;
}

/// <summary>A public key of P-384, in place: X, then Y.</summary>
[InlineArray(EcdhP384.PublicKeyLength)]
public struct P384PublicKey
{
    private byte _first;
}
