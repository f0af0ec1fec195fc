namespace BlackBox.Attacks;

/// <summary>All SMCs there can be.</summary>
internal sealed class SmcScan() : PowerAttack(
    "power-smc-scan", "tries function numbers of every SMCCC owner, fast and yielding, 32 and 64 bit", "SMCCC_VERSION is answered")
{
    protected override async Task<(bool Control, string? Accepted)> AttackAsync(AttackSession session)
    {
        var bad = new List<string>();
        for (var owner = 0; owner < 64; owner++)
        {
            // Owner 0 answers version and features, 6 the monitor's identity; PSCI (4) has attacks of its own.
            if (owner is 4)
            {
                continue;
            }

            foreach (var first in (int[])[0, 0x3f00, 0x7f00, 0xff00])
            {
                var answer = await session.HostileAsync($"smc-scan {owner} {first} 256");
                var allowed = owner switch { 0 => 8UL, 6 => 1UL, _ => 0UL };
                if (answer["answered"] > allowed)
                {
                    bad.Add($"owner {owner} from 0x{first:x}: {answer["answered"]}");
                }
            }
        }

        return ((int)(await SmcAsync(session, 0x8000_0000))["x0"] > 0, bad.Count > 0 ? string.Join(", ", bad) : null);
    }
}
