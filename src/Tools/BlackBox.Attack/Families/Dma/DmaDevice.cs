namespace BlackBox.Attacks;

/// <summary>Transfers by a device: the hostile kernel programs it, the device makes the access.</summary>
internal static class DmaDevice
{
    /// <summary>Bytes of one transfer at each place.</summary>
    public const int Chunk = 64;

    /// <summary>Places that one request takes.</summary>
    private const int MostPlaces = 60;

    /// <summary>What attacked machines have beside the product's devices: one whose programs move memory (and which needs no MSIs: there is no ITS), and one with a virtio queue.</summary>
    public static readonly IReadOnlyList<string> Arguments =
        ["-device", "lsi53c895a", "-device", "virtio-rng-pci,disable-legacy=on,iommu_platform=on"];

    /// <summary>Lets the device read 64 bytes at each place.</summary>
    /// <returns>the bytes as hexadecimal digits, and the device's stream number</returns>
    /// <exception cref="InvalidDataException">The device does not answer.</exception>
    public static async Task<(IReadOnlyList<string> Bytes, ulong Stream)> ReadAsync(AttackSession session, IEnumerable<ulong> places)
    {
        var bytes = new List<string>();
        ulong stream = 0;
        foreach (var part in places.Chunk(MostPlaces))
        {
            var answer = await session.HostileAsync($"dma-read {Words(part)}");
            stream = answer["stream"];
            bytes.AddRange(answer.Lines("bytes"));
        }

        return (bytes, stream);
    }

    /// <summary>Lets the device write 64 bytes, a word again and again, at each place.</summary>
    /// <returns>the device's stream number</returns>
    /// <exception cref="InvalidDataException">The device does not answer.</exception>
    public static async Task<ulong> WriteAsync(AttackSession session, ulong word, IEnumerable<ulong> places)
    {
        ulong stream = 0;
        foreach (var part in places.Chunk(MostPlaces))
        {
            stream = (await session.HostileAsync($"dma-write 0x{word:x} {Words(part)}"))["stream"];
        }

        return stream;
    }

    /// <summary>Did the device bring anything? What it was refused it leaves as it was (0xa5), or reads as zero.</summary>
    public static bool IsNothing(string bytes) => bytes.All(digit => digit == '0') || bytes == string.Concat(Enumerable.Repeat("a5", Chunk));

    /// <summary>A word as <see cref="ReadAsync"/> shows 64 bytes of it.</summary>
    public static string Digits(ulong word) => string.Concat(Enumerable.Repeat(Convert.ToHexStringLower(BitConverter.GetBytes(word)), Chunk / sizeof(ulong)));

    private static string Words(IEnumerable<ulong> places) => string.Join(' ', places.Select(place => $"0x{place:x}"));
}
