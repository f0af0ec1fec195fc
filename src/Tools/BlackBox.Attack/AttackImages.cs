using System.Security.Cryptography;
using BlackBox.Images;

namespace BlackBox.Attacks;

/// <summary>The root file systems in which victims run.</summary>
internal static class AttackImages
{
    /// <summary>Folder in the guest, and what stands there.</summary>
    public static IEnumerable<(string Folder, RootFilesystem Root)> Create(byte[] victim)
    {
        var data = RandomNumberGenerator.GetBytes(65536);
        yield return ("/attacks/images/guard", Guard(victim, data).Protect().Root);

        // As "guard", but signed by somebody else: its parts must not fit the other's.
        using var stranger = PublisherKey.FromScalar([.. Enumerable.Range(0, 48).Select(number => (byte)(97 - number))]);
        yield return ("/attacks/images/stranger", Guard(victim, data).Protect(publisher: stranger).Root);

        // The same publisher, the same program, another version.
        yield return ("/attacks/images/newer", Guard([.. victim, 0], data).Protect().Root);

        // A script is the entry point; it has the victim as its interpreter.
        yield return ("/attacks/images/script", new InMemoryImage("script")
            .AddFile("/bin/victim", victim)
            .AddFile("/bin/other", victim)
            .AddFile("/bin/script", "#!/bin/victim guard\n# some words\n"u8.ToArray())
            .AddFile("/data", data, 0x1A4)
            .AddFile("/dev/null", Array.Empty<byte>(), 0x1B6)
            .Start("/bin/script").Protect().Root);

        // Nobody mounts a /run for it.
        yield return ("/attacks/plain", Guard(victim, data).AddFile("/run/kept", Array.Empty<byte>()).Content.Root);
    }

    private static InMemoryImage Guard(byte[] victim, byte[] data) => new InMemoryImage("guard")
        .AddFile("/bin/victim", victim)
        .AddFile("/bin/other", victim)
        .AddFile("/data", data, 0x1A4)
        .AddFile("/dev/null", Array.Empty<byte>(), 0x1B6)
        .Start("/bin/victim", "guard", "1");
}
