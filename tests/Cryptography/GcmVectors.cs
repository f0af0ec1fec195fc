using Xunit;

namespace BlackBox.Cryptography.Tests;

/// <summary>
/// The cases with 256-bit keys and 96-bit nonces of McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)",
/// appendix B: 13 to 16. (17 and 18 have nonces of other lengths, which this library does not take.)
/// </summary>
internal static class GcmVectors
{
    private const string Key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    private const string Nonce = "cafebabefacedbaddecaf888";
    private const string Plain =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";

    private const string Cipher =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";

    /// <summary>Key, nonce, associated data, plaintext, ciphertext, tag.</summary>
    public static TheoryData<string, string, string, string, string, string> All => new()
    {
        { new string('0', 64), new string('0', 24), "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
        {
            new string('0', 64), new string('0', 24), "", new string('0', 32), "cea7403d4d606b6e074ec5d3baf39d18",
            "d0d1c8a799996bf0265b98b5d48ab919"
        },
        { Key, Nonce, "", Plain, Cipher, "b094dac5d93471bdec1a502270e3cc6c" },
        {
            Key, Nonce, "feedfacedeadbeeffeedfacedeadbeefabaddad2", Plain[..120], Cipher[..120], "76fc6ece0f4e1768cddf8853bb2d551b"
        },
    };
}
