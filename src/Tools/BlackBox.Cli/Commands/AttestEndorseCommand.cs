using System.CommandLine;
using System.Text.Json;
using BlackBox.Attestation;
using BlackBox.Boot;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox attest endorse</c>: from what a machine says of its boot to what verifiers and publishers take. Exit codes: 0 good, 1 refused, 2 wrong use.</summary>
internal static class AttestEndorseCommand
{
    private const int Refused = 1;
    private const int WrongUse = 2;

    public static Command Create()
    {
        var statement = new Argument<string>("platform") { Description = "What 'blackbox-runtime platform' has printed on the machine" };
        var reference = new Option<string?>("--reference") { Description = "Reference values (JSON) that name the TPM and its registers. Without: nothing is compared, which is right only for the first contact with a machine that you know", HelpName = "FILE" };
        var output = new Option<string?>("--output", "-o") { Description = "Where the endorsement goes, for attest verify --endorsement", HelpName = "FILE" };
        var unwrapping = new Option<string?>("--out-key") { Description = "Where the key goes that images are wrapped for (PEM), for image build --for", HelpName = "FILE" };
        var attestation = new Option<string?>("--out-attestation-key") { Description = "Where the key goes that signs evidence (PEM), for measure --platform", HelpName = "FILE" };
        var json = ImageText.JsonOption();
        var command = new Command("endorse", "Checks a TPM's word for a machine's keys and boot, and writes what verifiers and publishers need of it.") { statement, reference, output, unwrapping, attestation, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            PlatformStatement said;
            ReferenceTpm? expected = null;
            try
            {
                said = PlatformStatement.Parse(await File.ReadAllTextAsync(parsed.GetValue(statement)!, cancellation).ConfigureAwait(false));
            }
            catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"blackbox: refused: {error.Message}").ConfigureAwait(false);
                return error is FormatException ? Refused : WrongUse;
            }

            try
            {
                if (parsed.GetValue(reference) is { } file)
                {
                    expected = ReferenceValues.Parse(await File.ReadAllTextAsync(file, cancellation).ConfigureAwait(false)).Tpm
                        ?? throw new FormatException($"{file} names no TPM");
                }
            }
            catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"blackbox: {error.Message}").ConfigureAwait(false);
                return WrongUse;
            }

            if (expected is not null && said.Endorsement.Check(said.AttestationKey, said.UnwrappingKey, expected) is { } wrong)
            {
                await Console.Error.WriteLineAsync($"blackbox: refused: {wrong}").ConfigureAwait(false);
                return Refused;
            }

            await WriteAsync(parsed.GetValue(output), said.Endorsement.ToJson(), cancellation).ConfigureAwait(false);
            await WriteAsync(parsed.GetValue(unwrapping), PlatformKey.FromPublic("", said.UnwrappingKey).ToPem(), cancellation).ConfigureAwait(false);
            await WriteAsync(parsed.GetValue(attestation), PlatformKey.FromPublic("", said.AttestationKey).ToPem(), cancellation).ConfigureAwait(false);
            Report(said, expected is not null, parsed.GetValue(json));
            return 0;
        });
        return command.WithExamples("""
            Examples:
              blackbox-runtime platform > platform.json                              on the machine
              ./blackbox attest endorse platform.json --out-key board.pub -o endorsement.json
              ./blackbox image build redis -o redis.bb.tar --for board.pub
              ./blackbox attest verify quote.bin --reference reference.json --endorsement endorsement.json
            """);
    }

    private static async Task WriteAsync(string? file, string text, CancellationToken cancellation)
    {
        if (file is not null)
        {
            await AtomicOutput.WriteFileByNameAsync(file, name => File.WriteAllTextAsync(name, text, cancellation)).ConfigureAwait(false);
        }
    }

    private static void Report(PlatformStatement said, bool isCompared, bool json)
    {
        var registers = said.Endorsement.Registers.OrderBy(pair => pair.Key).ToDictionary(pair => pair.Key, pair => Convert.ToHexStringLower(pair.Value));
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    Compared = isCompared,
                    Tpm = Convert.ToHexStringLower(said.TpmKeyDigest),
                    Platform = Convert.ToHexStringLower(said.AttestationKey),
                    UnwrappingKey = Convert.ToHexStringLower(said.UnwrappingKey),
                    Registers = registers,
                },
                ImageText.Json));
            return;
        }

        Console.WriteLine($"""
            {(isCompared ? "good: the TPM and its registers are those of the reference values" : "its parts belong together; NOTHING WAS COMPARED with values of yours (--reference)")}
              TPM            {Convert.ToHexStringLower(said.TpmKeyDigest)}
            {string.Join('\n', registers.Select(pair => $"  register {pair.Key,-2}    {pair.Value}"))}
            """);
    }
}
