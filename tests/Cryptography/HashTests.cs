using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Xunit;

namespace BlackBox.Cryptography.Tests;

public class HashTests
{
    // FIPS 180-2, appendices B and D, and the empty message.
    [Theory]
    [InlineData("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    public void Sha256_gives_published_digests(string message, string digest)
    {
        byte[] result = new byte[32];
        Sha256.Hash(Encoding.ASCII.GetBytes(message), result);
        Assert.Equal(digest, Hex.Text(result));
    }

    [Theory]
    [InlineData("", "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b")]
    [InlineData("abc", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7")]
    [InlineData(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039")]
    public void Sha384_gives_published_digests(string message, string digest)
    {
        byte[] result = new byte[48];
        Sha384.Hash(Encoding.ASCII.GetBytes(message), result);
        Assert.Equal(digest, Hex.Text(result));
    }

    [Fact]
    public void A_million_times_a_gives_the_published_digests()
    {
        byte[] message = new byte[1_000_000];
        Array.Fill(message, (byte)'a');
        byte[] digest = new byte[48];
        Sha256.Hash(message, digest.AsSpan(0, 32));
        Assert.Equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", Hex.Text(digest.AsSpan(0, 32)));
        Sha384.Hash(message, digest);
        Assert.Equal(
            "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985", Hex.Text(digest));
    }

    // Every length around the block borders, cut at random places.
    [Fact]
    public void Pieces_give_the_digest_of_the_whole()
    {
        Gen.Select(Gen.Byte.Array[0, 600], Gen.Int[0, 200].Array[0, 8]).Sample((message, cuts) =>
        {
            Assert.Equal(SHA256.HashData(message), InPieces<Sha256>(message, cuts));
            Assert.Equal(SHA384.HashData(message), InPieces<Sha384>(message, cuts));
        });
    }

    [Fact]
    public void All_lengths_over_three_blocks_agree_with_the_platform()
    {
        byte[] data = new byte[400];
        new Random(1).NextBytes(data);
        for (int length = 0; length <= data.Length; length++)
        {
            byte[] message = data[..length];
            Assert.Equal(SHA256.HashData(message), InPieces<Sha256>(message, []));
            Assert.Equal(SHA384.HashData(message), InPieces<Sha384>(message, []));
        }
    }

    [Fact]
    public void Finish_leaves_nothing_of_the_message_behind()
    {
        Sha256 hash = default;
        hash.Initialize();
        hash.Update("secret"u8);
        hash.Finish(new byte[32]);
        Assert.True(Memory.IsZero(ref hash));
    }

    [Fact]
    public void A_digest_buffer_of_the_wrong_size_is_refused()
    {
        Assert.Throws<IndexOutOfRangeException>(() => Sha256.Hash([], new byte[33]));
        Assert.Throws<IndexOutOfRangeException>(() => Sha384.Hash([], new byte[32]));
    }

    // RFC 4231, section 4; case 5 is about truncation, which is the caller's.
    [Theory]
    [InlineData(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6")]
    [InlineData(
        "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649")]
    [InlineData(
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27")]
    [InlineData(
        "0102030405060708090a0b0c0d0e0f10111213141516171819",
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb")]
    public void Hmac_gives_published_codes(string key, string data, string code256, string code384)
        => CheckHmac(Hex.Bytes(key), Hex.Bytes(data), code256, code384);

    [Theory]
    [InlineData(
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952")]
    [InlineData(
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e")]
    public void Hmac_gives_published_codes_for_long_keys(string data, string code256, string code384)
    {
        byte[] key = new byte[131];
        Array.Fill(key, (byte)0xaa);
        CheckHmac(key, Encoding.ASCII.GetBytes(data), code256, code384);
    }

    [Fact]
    public void Hmac_agrees_with_the_platform()
    {
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Byte.Array[0, 300]).Sample((key, data) =>
        {
            byte[] code = new byte[48];
            Hmac<Sha256>.Compute(key, data, code.AsSpan(0, 32));
            Assert.Equal(HMACSHA256.HashData(key, data), code[..32]);
            Hmac<Sha384>.Compute(key, data, code);
            Assert.Equal(HMACSHA384.HashData(key, data), code);
        });
    }

    // Keys of exactly a block and their neighbours are what goes wrong.
    [Fact]
    public void Hmac_agrees_with_the_platform_for_all_lengths_of_keys()
    {
        byte[] code = new byte[48];
        for (int length = 0; length <= 150; length++)
        {
            byte[] key = RandomNumberGenerator.GetBytes(length);
            Hmac<Sha256>.Compute(key, key, code.AsSpan(0, 32));
            Assert.Equal(HMACSHA256.HashData(key, key), code[..32]);
            Hmac<Sha384>.Compute(key, key, code);
            Assert.Equal(HMACSHA384.HashData(key, key), code);
        }
    }

    // RFC 5869, appendix A.1 to A.3.
    [Theory]
    [InlineData(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")]
    [InlineData(
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
        "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87")]
    [InlineData(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")]
    public void Hkdf_gives_published_keys(string material, string salt, string info, string key, string output)
    {
        byte[] extracted = new byte[32];
        HkdfSha256.Extract(Hex.Bytes(salt), Hex.Bytes(material), extracted);
        Assert.Equal(key, Hex.Text(extracted));
        byte[] expanded = new byte[output.Length / 2];
        HkdfSha256.Expand(extracted, Hex.Bytes(info), expanded);
        Assert.Equal(output, Hex.Text(expanded));
    }

    [Fact]
    public void Hkdf_agrees_with_the_platform_up_to_its_limit()
    {
        byte[] key = new byte[32];
        byte[] output = new byte[HkdfSha256.MaximumOutput];
        HkdfSha256.Expand(key, "info"u8, output);
        Assert.Equal(HKDF.Expand(HashAlgorithmName.SHA256, key, output.Length, "info"u8.ToArray()), output);
        Assert.Throws<IndexOutOfRangeException>(() => HkdfSha256.Expand(key, [], new byte[HkdfSha256.MaximumOutput + 1]));
    }

    private static void CheckHmac(byte[] key, byte[] data, string code256, string code384)
    {
        byte[] code = new byte[48];
        Hmac<Sha256>.Compute(key, data, code.AsSpan(0, 32));
        Assert.Equal(code256, Hex.Text(code.AsSpan(0, 32)));
        Hmac<Sha384>.Compute(key, data, code);
        Assert.Equal(code384, Hex.Text(code));
    }

    private static byte[] InPieces<THash>(byte[] message, int[] cuts)
        where THash : struct, IHash
    {
        THash hash = default;
        hash.Initialize();
        ReadOnlySpan<byte> rest = message;
        foreach (int cut in cuts)
        {
            int take = Math.Min(cut, rest.Length);
            hash.Update(rest[..take]);
            rest = rest[take..];
        }

        hash.Update(rest);
        byte[] digest = new byte[THash.DigestLength];
        hash.Finish(digest);
        return digest;
    }
}
