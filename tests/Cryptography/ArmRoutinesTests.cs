using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace BlackBox.Cryptography.Tests;

/// <summary>
/// Runs the assembly routines themselves: compiles them with a harness for Linux, runs that in user-mode emulation,
/// and compares with published values and with the platform's cryptography. Needs <c>aarch64-linux-gnu-gcc</c> with
/// its C library and <c>qemu-aarch64</c>; a test without them fails, since nothing was tested.
/// </summary>
public sealed class ArmRoutinesTests : IClassFixture<ArmRoutinesTests.Harness>
{
    private readonly Harness _harness;

    public ArmRoutinesTests(Harness harness) => _harness = harness;

    public static TheoryData<string, string, string, string, string, string> Published => GcmVectors.All;

    [Theory]
    [MemberData(nameof(Published))]
    public void Published_cases_of_GCM_hold(string key, string nonce, string associated, string plain, string cipher, string tag)
    {
        string[] answers = _harness.Run(
        [
            $"gcm 0 0 {key} {nonce} {OrDash(associated)} {OrDash(plain)}",
            $"gcm 0 1 {key} {nonce} {OrDash(associated)} {OrDash(cipher)}",
        ]);
        Assert.Equal([$"{OrDash(cipher)} {tag}", $"{OrDash(plain)} {tag}"], answers);
    }

    // Every length from nothing to beyond two groups of four blocks, then the size of an image's block; at all
    // alignments; with associated data of changing lengths. Registers and surroundings are checked by the harness.
    [Fact]
    public void GCM_agrees_with_the_platform_at_every_length_and_alignment()
    {
        Random random = new(20);
        List<string> commands = [];
        List<string> expected = [];
        foreach (int length in Enumerable.Range(0, 150).Concat([1023, 4095, 4096, 4097, 20_000]))
        {
            byte[] key = Next(random, 32);
            byte[] nonce = Next(random, 12);
            byte[] associated = Next(random, length * 7 % 50);
            byte[] plain = Next(random, length);
            byte[] cipher = new byte[length];
            byte[] tag = new byte[16];
            using AesGcm reference = new(key, 16);
            reference.Encrypt(nonce, plain, cipher, tag, associated);

            string head = $"{Hex.Text(key)} {Hex.Text(nonce)} {Text(associated)}";
            commands.Add($"gcm {length % 16} 0 {head} {Text(plain)}");
            expected.Add($"{Text(cipher)} {Hex.Text(tag)}");
            foreach (int way in (int[])[1, 2])
            {
                commands.Add($"gcm {length * 5 % 16} {way} {head} {Text(cipher)}");
                expected.Add($"{Text(plain)} {Hex.Text(tag)}");
            }
        }

        Assert.Equal(expected, _harness.Run(commands));
    }

    // FIPS 197, appendix A.3, then against the portable code.
    [Fact]
    public void Key_expansion_agrees_with_the_portable_code()
    {
        Random random = new(21);
        List<string> commands = ["expand 603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"];
        List<string> expected = [];
        for (int i = 0; i < 50; i++)
        {
            byte[] key = i == 0 ? Hex.Bytes(commands[0][7..]) : Next(random, 32);
            uint[] schedule = new uint[60];
            Aes256Portable.Expand(key, schedule);
            expected.Add(Hex.Text(MemoryMarshal.AsBytes(schedule.AsSpan())));
            if (i != 0)
            {
                commands.Add($"expand {Hex.Text(key)}");
            }
        }

        string[] answers = _harness.Run(commands);
        Assert.EndsWith("fe4890d1e6188d0b046df344706c631e", answers[0], StringComparison.Ordinal);
        Assert.Equal(expected, answers);
    }

    [Fact]
    public void SHA_256_agrees_with_the_platform_and_the_portable_code()
    {
        Random random = new(22);
        List<string> commands = [];
        List<string> expected = [];

        // Whole messages, padded here, from the initial value.
        for (int length = 0; length < 300; length += 7)
        {
            byte[] message = Next(random, length);
            commands.Add($"sha256 {length % 16} {InitialState} {Hex.Text(Pad(message))}");
            expected.Add(SwapWords(SHA256.HashData(message)));
        }

        commands.Add($"sha256 0 {InitialState} {Hex.Text(Pad("abc"u8))}");
        expected.Add(SwapWords(Hex.Bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));

        // Any state; also no block at all.
        for (int blocks = 0; blocks < 10; blocks++)
        {
            byte[] state = Next(random, 32);
            byte[] data = Next(random, 64 * blocks);
            commands.Add($"sha256 3 {Hex.Text(state)} {Text(data)}");
            Sha256Portable.Blocks(MemoryMarshal.Cast<byte, uint>(state.AsSpan()), data);
            expected.Add(Hex.Text(state));
        }

        Assert.Equal(expected, _harness.Run(commands));
    }

    private static readonly BigInteger P = (BigInteger.One << 384) - (BigInteger.One << 128) - (BigInteger.One << 96) + (BigInteger.One << 32) - 1;
    private static readonly BigInteger N = BigInteger.Parse(
        "0ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    // Numbers around everything at which a carry or a borrow can go wrong, each with each, then any; for the curve's two moduli,
    // the least and the greatest that are allowed.
    [Fact]
    public void Arithmetic_of_P_384_agrees_with_big_integers()
    {
        Random random = new(23);
        List<string> commands = [];
        List<string> expected = [];
        foreach (BigInteger modulus in (BigInteger[])[P, N, (BigInteger.One << 383) + 1, (BigInteger.One << 384) - 1])
        {
            BigInteger word = BigInteger.One << 64;
            BigInteger inverse = (word - BigInteger.ModPow(modulus % word, (word / 2) - 1, word)) % word;
            BigInteger[] edges =
            [
                0, 1, 2, modulus - 1, modulus - 2, modulus / 2, (modulus / 2) + 1, word - 1, word, word + 1, uint.MaxValue, 1UL << 32, word << 32, word - (1UL << 32),
                (BigInteger.One << 383) - 1, (BigInteger.One << 128) - 1, ((BigInteger.One << 384) - 1) % modulus, (BigInteger.One << 384) % modulus,
                (BigInteger.One << 320) - (BigInteger.One << 64), ((BigInteger.One << 384) - word) % modulus,
            ];
            List<(BigInteger Left, BigInteger Right)> pairs = [.. edges.SelectMany(left => edges.Select(right => (left % modulus, right % modulus)))];
            for (int i = 0; i < 1000; i++)
            {
                pairs.Add((Any(random, modulus), Any(random, modulus)));
            }

            BigInteger unit = BigInteger.ModPow(BigInteger.One << 384, modulus == P || modulus == N ? modulus - 2 : 1, modulus);
            foreach ((BigInteger left, BigInteger right) in pairs)
            {
                string place = (commands.Count % 3) switch { 0 => "", 1 => "+", _ => "-" };
                string operands = $"{Limbs(left, 48)} {Limbs(right, 48)} {Limbs(modulus, 48)} {Limbs(inverse, 8)}";
                commands.Add($"p384 add{place} {operands}");
                expected.Add(Limbs((left + right) % modulus, 48));
                commands.Add($"p384 subtract{place} {operands}");
                expected.Add(Limbs((left - right + modulus) % modulus, 48));
                commands.Add($"p384 multiply{place} {operands}");
                expected.Add(Limbs(Product(left, right, modulus, inverse), 48));
                if (modulus == P)
                {
                    Assert.Equal(left * right * unit % P, Product(left, right, modulus, inverse));
                    commands.Add($"p384 field{place} {operands}");
                    expected.Add(expected[^1]);
                }
            }
        }

        Assert.Equal(expected, _harness.Run(commands));
    }

    // left right / 2^384, by Montgomery's definition: a multiple of the modulus makes the division exact.
    private static BigInteger Product(BigInteger left, BigInteger right, BigInteger modulus, BigInteger inverse)
    {
        BigInteger product = left * right;
        for (int i = 0; i < 6; i++)
        {
            BigInteger factor = product % (BigInteger.One << 64) * inverse % (BigInteger.One << 64);
            product = (product + (factor * modulus)) >> 64;
        }

        return product % modulus;
    }

    private static BigInteger Any(Random random, BigInteger below) => new BigInteger(Next(random, 48), isUnsigned: true) % below;

    private static string Limbs(BigInteger number, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(number.TryWriteBytes(bytes, out _, isUnsigned: true));
        return Hex.Text(bytes);
    }

    private const string InitialState = "67e6096a85ae67bb72f36e3c3af54fa57f520e518c68059babd9831f19cde05b";

    private static byte[] Pad(ReadOnlySpan<byte> message)
    {
        byte[] padded = new byte[(message.Length + 9 + 63) / 64 * 64];
        message.CopyTo(padded);
        padded[message.Length] = 0x80;
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(padded.AsSpan(padded.Length - 8), message.Length * 8L);
        return padded;
    }

    private static string SwapWords(byte[] digest)
    {
        for (int i = 0; i < digest.Length; i += 4)
        {
            digest.AsSpan(i, 4).Reverse();
        }

        return Hex.Text(digest);
    }

    private static byte[] Next(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Text(byte[] bytes) => OrDash(Hex.Text(bytes));

    private static string OrDash(string text) => text.Length == 0 ? "-" : text;

    /// <summary>The compiled harness, in a temporary folder, for all tests of the class.</summary>
    public sealed class Harness : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("blackbox-cryptography-").FullName;

        public Harness()
        {
            string sources = Path.Combine(AppContext.BaseDirectory, "Arm");
            string[] files = [.. Directory.GetFiles(sources, "*.c"), .. Directory.GetFiles(sources, "*.S")];
            Execute(
                "aarch64-linux-gnu-gcc",
                ["-static", "-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-I", sources, .. files, "-o", Program],
                "");
        }

        private string Program => Path.Combine(_folder, "harness");

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        /// <summary>Hands the harness one command a line.</summary>
        /// <returns>One answer for each.</returns>
        public string[] Run(IReadOnlyCollection<string> commands)
        {
            // Neoverse N1: the instructions of the routines and no later ones.
            string output = Execute("qemu-aarch64", ["-cpu", "neoverse-n1", Program], string.Join('\n', commands) + "\n");
            string[] answers = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.DoesNotContain(answers, a => a.Contains("error", StringComparison.Ordinal));
            Assert.Equal(commands.Count, answers.Length);
            return answers;
        }

        private static string Execute(string program, IEnumerable<string> arguments, string input)
        {
            ProcessStartInfo start = new(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            Process process;
            try
            {
                process = Process.Start(start)!;
            }
            catch (Win32Exception e)
            {
                throw new InvalidOperationException(
                    $"{program} cannot be started ({e.Message}). The routines in src/Cryptography/Assembly are tested with the packages "
                    + "gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user.");
            }

            using (process)
            {
                StringBuilder errors = new();
                process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
                process.BeginErrorReadLine();
                Task<string> output = process.StandardOutput.ReadToEndAsync();
                process.StandardInput.Write(input);
                process.StandardInput.Close();
                if (!process.WaitForExit(120_000))
                {
                    process.Kill(entireProcessTree: true);
                    throw new InvalidOperationException($"{program} did not end within two minutes.");
                }

                process.WaitForExit();
                return process.ExitCode == 0
                    ? output.Result
                    : throw new InvalidOperationException($"{program} ended with code {process.ExitCode}:\n{errors}");
            }
        }
    }
}
