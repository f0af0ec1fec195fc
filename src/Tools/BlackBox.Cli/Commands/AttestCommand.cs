using System.CommandLine;
using System.Text;
using System.Text.Json;
using BlackBox.Attestation;
using BlackBox.Hosting;
using BlackBox.Images;

namespace BlackBox.Cli.Commands;

/// <summary><c>blackbox attest</c>: evidence of containers, checked offline. Exit codes: 0 good, 1 refused, 2 wrong use.</summary>
internal static class AttestCommand
{
    private const int Refused = 1;
    private const int WrongUse = 2;

    public static Command Create()
    {
        var command = new Command("attest", "Checks the evidence that a container reads from /dev/attestation/quote.") { Verify(), Show(), Platform(), AttestEndorseCommand.Create() };
        return command.WithExamples("""
            Examples:
              ./blackbox measure --image redis.bb.tar --development -o reference.json
              ./blackbox attest verify quote.bin --reference reference.json --nonce 8f1c...   (exit status 0: good; 1: refused)
              ./blackbox attest show quote.bin                       what it says, unchecked
              ./blackbox attest platform quote.bin --reference reference.json --out board.pub
              ./blackbox attest endorse platform.json --out-key board.pub -o endorsement.json
              ./blackbox image build redis -o redis.bb.tar --for board.pub

            Docs: docs/trust.md
            """);
    }

    private static Argument<string> EvidenceArgument() => new("evidence") { Description = "File with the evidence, as it is or in base64" };

    private static Option<string> ReferenceOption() => new("--reference") { Description = "Reference values (JSON, see measure)", HelpName = "FILE", Required = true };

    private static Option<string?> NonceOption() => new("--nonce") { Description = "The nonce that you chose for this request: the first bytes of user_report_data", HelpName = "HEX" };

    private static Option<string?> EndorsementOption() => new("--endorsement") { Description = "A TPM's word for the platform's key (JSON)", HelpName = "FILE" };

    private static Command Verify()
    {
        var (evidence, reference, nonce, endorsement) = (EvidenceArgument(), ReferenceOption(), NonceOption(), EndorsementOption());
        var data = new Option<string?>("--data") { Description = "What must follow the nonce in user_report_data", HelpName = "HEX" };
        var json = ImageText.JsonOption();
        var command = new Command("verify", "Holds evidence against reference values.") { evidence, reference, nonce, data, endorsement, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (!TryRead(parsed.GetValue(evidence)!, parsed.GetValue(reference)!, parsed.GetValue(nonce), parsed.GetValue(data), parsed.GetValue(endorsement),
                out var bytes, out var values, out var expectation, out var wrong))
            {
                await Console.Error.WriteLineAsync($"blackbox: {wrong}").ConfigureAwait(false);
                return WrongUse;
            }

            var verdict = EvidenceVerifier.Verify(bytes, values, expectation);
            await ReportAsync(verdict, expectation, parsed.GetValue(json)).ConfigureAwait(false);
            return verdict.IsGood ? 0 : Refused;
        });
        return command;
    }

    private static Command Show()
    {
        var evidence = EvidenceArgument();
        var json = ImageText.JsonOption();
        var command = new Command("show", "Prints what evidence says. Nothing of it is checked.") { evidence, json };
        command.SetAction(parsed =>
        {
            try
            {
                var read = Evidence.Parse(ReadEvidence(parsed.GetValue(evidence)!));
                Console.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(Describe(read), ImageText.Json) : ToText(read));
                return 0;
            }
            catch (EvidenceFormatException error)
            {
                throw new BlackBoxException($"{parsed.GetValue(evidence)}: {error.Message}", null, error);
            }
        });
        return command;
    }

    private static Command Platform()
    {
        var (evidence, reference, nonce, endorsement) = (EvidenceArgument(), ReferenceOption(), NonceOption(), EndorsementOption());
        var output = new Option<string>("--out") { Description = "Where the public key goes (PEM), for image build --for", HelpName = "FILE", Required = true };
        var command = new Command("platform", "Takes the key that images are wrapped for out of evidence, if that is good.") { evidence, reference, nonce, endorsement, output };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (!TryRead(parsed.GetValue(evidence)!, parsed.GetValue(reference)!, parsed.GetValue(nonce), null, parsed.GetValue(endorsement),
                out var bytes, out var values, out var expectation, out var wrong))
            {
                await Console.Error.WriteLineAsync($"blackbox: {wrong}").ConfigureAwait(false);
                return WrongUse;
            }

            var verdict = EvidenceVerifier.Verify(bytes, values, expectation);
            if (!verdict.IsGood)
            {
                await ReportAsync(verdict, expectation, json: false).ConfigureAwait(false);
                return Refused;
            }

            var key = PlatformKey.FromPublic("", verdict.Evidence!.UnwrappingKey);
            await File.WriteAllTextAsync(parsed.GetValue(output)!, key.ToPem(), cancellation).ConfigureAwait(false);
            Console.WriteLine($"{parsed.GetValue(output)}\n  platform {Convert.ToHexStringLower(key.Id)}");
            return 0;
        });
        return command;
    }

    private static bool TryRead(
        string evidence, string reference, string? nonce, string? data, string? endorsement,
        out byte[] bytes, out ReferenceValues values, out Expectation expectation, out string wrong)
    {
        (bytes, values, expectation, wrong) = ([], new ReferenceValues(), new Expectation(), "");
        try
        {
            expectation = new Expectation
            {
                Nonce = Convert.FromHexString(nonce ?? ""),
                Data = data is null ? null : Convert.FromHexString(data),
                Endorsement = endorsement is null ? null : PlatformEndorsement.Parse(File.ReadAllText(endorsement)),
            };
            if (expectation.Nonce.Length + (expectation.Data?.Length ?? 0) > Evidence.NonceLength)
            {
                wrong = $"nonce and data have {Evidence.NonceLength} bytes together at most";
                return false;
            }

            values = ReferenceValues.Parse(File.ReadAllText(reference));
            bytes = ReadEvidence(evidence);
            return true;
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
        {
            wrong = error.Message;
            return false;
        }
    }

    private static byte[] ReadEvidence(string file)
    {
        var bytes = File.ReadAllBytes(file);
        const byte SignOneTag = 0xd2;
        if (bytes.Length > 0 && bytes[0] != SignOneTag)
        {
            try
            {
                return Convert.FromBase64String(Encoding.ASCII.GetString(bytes));
            }
            catch (FormatException)
            {
                // Neither: the verification says so.
            }
        }

        return bytes;
    }

    private static async Task ReportAsync(Verdict verdict, Expectation expectation, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    Good = verdict.IsGood,
                    Fresh = verdict.IsGood && expectation.Nonce.Length > 0,
                    Reasons = verdict.Reasons.Select(reason => new { Refusal = reason.Refusal.ToString(), reason.Message }),
                    ContainerData = verdict.ContainerData is { } rest ? Convert.ToHexStringLower(rest) : null,
                    Evidence = verdict.Evidence is { } said ? Describe(said) : null,
                },
                ImageText.Json));
        }

        foreach (var reason in verdict.Reasons)
        {
            await Console.Error.WriteLineAsync($"blackbox: refused: {reason.Message}").ConfigureAwait(false);
        }

        if (verdict.IsGood && !json)
        {
            Console.WriteLine($"good: {Printable.Text(verdict.Evidence!.Container.Name ?? "(name too long)")}, version counter {verdict.Evidence.Container.Counter}\n{ToText(verdict.Evidence)}");
        }

        if (verdict.IsGood && expectation.Nonce.Length == 0)
        {
            await Console.Error.WriteLineAsync("blackbox: whether it is fresh was not checked: give the nonce that you chose with --nonce").ConfigureAwait(false);
        }

        if (verdict.IsGood && verdict.Evidence!.Facts.HasFlag(PlatformFacts.Development))
        {
            await Console.Error.WriteLineAsync("blackbox: a DEVELOPMENT BUILD, or its public key: nothing is proven").ConfigureAwait(false);
        }
    }

    private static object Describe(Evidence evidence) => new
    {
        Nonce = Convert.ToHexStringLower(evidence.Nonce),
        Platform = Convert.ToHexStringLower(evidence.AttestationKey),
        UnwrappingKey = Convert.ToHexStringLower(evidence.UnwrappingKey),
        Interface = Version(evidence),
        Facts = Facts(evidence),
        DebugStatus = evidence.DebugStatus,
        Monitor = Convert.ToHexStringLower(evidence.MonitorDigest),
        BootManifest = Convert.ToHexStringLower(evidence.BootManifestDigest),
        Shield = Convert.ToHexStringLower(evidence.ShieldDigest),
        Image = new
        {
            evidence.Container.Name,
            Manifest = Convert.ToHexStringLower(evidence.Container.ManifestDigest),
            Policy = Convert.ToHexStringLower(evidence.Container.PolicyDigest),
            Publisher = Convert.ToHexStringLower(evidence.Container.PublisherDigest),
            evidence.Container.Counter,
            Debug = evidence.Container.IsDebug,
        },
    };

    private static string ToText(Evidence evidence) => $"""
          report data    {Convert.ToHexStringLower(evidence.Nonce)}
          platform       {string.Join(", ", Facts(evidence))}; interface {Version(evidence)}
          monitor        {Convert.ToHexStringLower(evidence.MonitorDigest)}
          boot manifest  {(evidence.BootManifestDigest.All(value => value == 0) ? "none" : Convert.ToHexStringLower(evidence.BootManifestDigest))}
          shield         {Convert.ToHexStringLower(evidence.ShieldDigest)}
          image          {Convert.ToHexStringLower(evidence.Container.ManifestDigest)}
          policy         {Convert.ToHexStringLower(evidence.Container.PolicyDigest)}{(evidence.Container.IsDebug ? " (debug)" : "")}
          publisher      {Convert.ToHexStringLower(evidence.Container.PublisherDigest)}
        """;

    private static string Version(Evidence evidence) => $"{evidence.InterfaceVersion >> 16}.{evidence.InterfaceVersion & 0xffff}";

    private static string[] Facts(Evidence evidence) =>
    [
        evidence.Facts.HasFlag(PlatformFacts.Measured) ? "measured" : "NOT MEASURED",
        evidence.Facts.HasFlag(PlatformFacts.SecureBoot) ? "Secure Boot" : "SECURE BOOT OFF",
        evidence.Facts.HasFlag(PlatformFacts.SealedKey) ? "sealed key" : "KEY NOT SEALED",
        evidence.Facts.HasFlag(PlatformFacts.DmaProtection) ? "DMA protection" : "DMA NOT CONFINED",
        .. evidence.Facts.HasFlag(PlatformFacts.Development) ? (string[])["DEVELOPMENT BUILD"] : [],
    ];
}
