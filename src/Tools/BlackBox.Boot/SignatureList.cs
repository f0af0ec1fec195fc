using System.Buffers.Binary;

namespace BlackBox.Boot;

/// <summary>EFI_SIGNATURE_LIST with one X.509 certificate (UEFI specification 2.10, section 32.4.1).</summary>
internal static class SignatureList
{
    private const int HeaderLength = 28;
    private static readonly Guid X509 = new("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
    private static readonly Guid Owner = new("6b1f3c0e-9a55-4c0e-8a3e-b1ac4b0c5b0c");

    public static byte[] Create(ReadOnlySpan<byte> certificate)
    {
        var list = new byte[HeaderLength + 16 + certificate.Length];
        X509.TryWriteBytes(list);
        BinaryPrimitives.WriteInt32LittleEndian(list.AsSpan(16), list.Length);
        BinaryPrimitives.WriteInt32LittleEndian(list.AsSpan(24), 16 + certificate.Length);
        Owner.TryWriteBytes(list.AsSpan(HeaderLength));
        certificate.CopyTo(list.AsSpan(HeaderLength + 16));
        return list;
    }

    /// <summary>EFI_SIGNATURE_DATA in it: owner and certificate.</summary>
    public static byte[] FirstEntry(byte[] list) => list[HeaderLength..];
}
