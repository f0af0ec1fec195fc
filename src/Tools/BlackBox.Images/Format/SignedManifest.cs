using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.Cose;

namespace BlackBox.Images;

/// <summary>/.blackbox/manifest: COSE_Sign1 in the one form that the format allows.</summary>
public static class SignedManifest
{
    private const int SignatureLength = 96;

    // Tag 18, array of four, protected header {1: -35} (ES384) as a byte string, empty map.
    private static ReadOnlySpan<byte> Beginning => [0xD2, 0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA0];

    public static byte[] Sign(ImageManifest manifest, PublisherKey publisher)
    {
        ArgumentNullException.ThrowIfNull(publisher);
        var message = publisher.Sign(ManifestCodec.Encode(manifest));
        return message.AsSpan().StartsWith(Beginning) ? message : throw new CryptographicException("the COSE library wrote an unexpected header");
    }

    /// <summary>Reads without a look at the signature.</summary>
    /// <exception cref="ImageRefusedException">Not in the form of the format.</exception>
    public static ImageManifest Read(byte[] message) => ManifestCodec.Decode(Payload(message));

    /// <summary>Reads and checks the signature under the key that the manifest names. Whose key that is, the caller must check.</summary>
    /// <exception cref="ImageRefusedException">Damaged, or not signed by that key.</exception>
    public static ImageManifest Verify(byte[] message)
    {
        var manifest = Read(message);
        using var key = PublisherKey.ImportPublic(manifest.Publisher) ?? throw Refuse("the publisher's key in it is not a point of P-384");
        bool isGenuine;
        try
        {
            isGenuine = CoseMessage.DecodeSign1(message).VerifyEmbedded(key);
        }
        catch (CryptographicException error)
        {
            throw Refuse($"its signature cannot be checked ({error.Message})");
        }

        return isGenuine ? manifest : throw Refuse("its signature is not genuine");
    }

    private static byte[] Payload(byte[] message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Length > ImageFormat.MaximumManifest)
        {
            throw Refuse("it is larger than 256 KiB");
        }

        if (!message.AsSpan().StartsWith(Beginning))
        {
            throw Refuse("it is not a COSE_Sign1 message with ES384");
        }

        try
        {
            var reader = new CborReader(message.AsMemory(Beginning.Length), CborConformanceMode.Canonical, allowMultipleRootLevelValues: true);
            var payload = reader.ReadByteString();
            return reader.ReadByteString().Length == SignatureLength && reader.BytesRemaining == 0
                ? payload
                : throw Refuse("its signature has a wrong length");
        }
        catch (Exception error) when (error is CborContentException or InvalidOperationException)
        {
            throw Refuse($"it is damaged ({error.Message})");
        }
    }

    private static ImageRefusedException Refuse(string reason) => new(ImageFormat.Manifest.Text, reason);
}
