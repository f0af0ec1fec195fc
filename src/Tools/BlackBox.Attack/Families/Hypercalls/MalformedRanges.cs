using BlackBox.Abi;

namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class MalformedRanges() : CallAttack("call-malformed-ranges", "calls with counts of zero, huge, wrapping and crossing blocks, misaligned addresses and reserved bits", "a well-formed grant succeeds")
{
    protected override async Task<bool> AttackAsync(AttackSession session, CallTarget target)
    {
        (ulong Frame, ulong Count)[] ranges = [(target.Pool, 0), (target.Pool, 513), (target.Pool, ulong.MaxValue), (target.Pool, 1UL << 52), (target.Pool + 1, 1), (target.Pool + 0x800, 1), (target.Pool | 1UL << 48, 1), (target.Pool | 1UL << 63, 1), (ulong.MaxValue & ~4095UL, 2), (AttackSession.RamEnd - 4096, 2)];
        foreach (var (frame, count) in ranges)
        {
            foreach (var function in (OsFunction[])[OsFunction.GrantMemory, OsFunction.SharePages, OsFunction.ReclaimMemory, OsFunction.UnsharePages, OsFunction.DonateTables])
            {
                await RefuseAsync(session, function, target.Enclave, frame, count);
            }
        }

        foreach (var enclave in (ulong[])[0, target.Enclave ^ 1UL << 32, target.Enclave | 1UL << 63, target.Enclave + 0x1_0000, 0xff, ulong.MaxValue])
        {
            await RefuseAsync(session, OsFunction.GrantMemory, enclave, target.Pool, 1);
            await RefuseAsync(session, OsFunction.DestroyEnclave, enclave);
        }

        return await AcceptAsync(session, OsFunction.GrantMemory, target.Enclave, target.Pool, 1)
            && await AcceptAsync(session, OsFunction.ReclaimMemory, target.Enclave, target.Pool, 1);
    }
}
