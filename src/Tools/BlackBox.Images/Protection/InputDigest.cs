using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace BlackBox.Images;

/// <summary>One digest over everything in a root file system.</summary>
internal static class InputDigest
{
    /// <param name="root">What is hashed.</param>
    /// <param name="digests">SHA-256 of each regular file.</param>
    /// <param name="policy">Encoded policy.</param>
    public static byte[] Compute(RootFilesystem root, IReadOnlyDictionary<RootPath, byte[]> digests, ReadOnlySpan<byte> policy)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, policy);
        Span<byte> numbers = stackalloc byte[28];
        foreach (var entry in root.Entries)
        {
            int[] fields = [(int)entry.Kind, entry.Mode, entry.UserId, entry.GroupId, entry.DeviceMajor, entry.DeviceMinor, 0];
            for (var i = 0; i < fields.Length; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(numbers[(4 * i)..], fields[i]);
            }

            Append(hash, Encoding.UTF8.GetBytes(entry.Path.Text));
            Append(hash, numbers);
            Append(hash, Encoding.UTF8.GetBytes(entry.LinkTarget ?? ""));
            Append(hash, digests.GetValueOrDefault(entry.Path));
        }

        return hash.GetHashAndReset();
    }

    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
