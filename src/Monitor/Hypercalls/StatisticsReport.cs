using System.Runtime.InteropServices;
using BlackBox.Abi;

namespace BlackBox.Monitor;

/// <summary>The hypercall Statistics: counters into a frame of the OS.</summary>
public static class StatisticsReport
{
    /// <summary>The structure Statistics of src/Abi/abi.json.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 512)]
    private struct Report
    {
        public ulong FramesTotal;
        public ulong FramesOs;
        public ulong FramesMonitor;
        public ulong FramesPrivate;
        public ulong FramesTables;
        public ulong FramesLent;
        public ulong Enclaves;
        public ulong Tasks;
        public CpuCounters Events;
        public ulong DmaFaults;
        public ulong DmaLastStream;
        public ulong DmaLastAddress;
        public ulong SmmuCommands;
    }

    /// <param name="group">0: whole machine; 1: the enclave; 2: events of this CPU</param>
    /// <param name="enclave">for group 1</param>
    /// <param name="buffer">an OS frame</param>
    public static Status Write(ulong group, EnclaveHandle enclave, ulong buffer)
    {
        if (group > 2 || !FrameRange.TryDecode(buffer, 1, 1, out FrameRange range))
        {
            return Status.Invalid;
        }

        Report report = default;
        if (group == 1)
        {
            if (!EnclaveTable.TryLock(enclave, out LockedEnclave locked))
            {
                return Status.Invalid;
            }

            AddEnclave(ref report, locked.Data);
            locked.Unlock();
        }
        else
        {
            AddMachine(ref report);
            AddDma(ref report);
            for (uint cpu = 0; cpu < Constants.MaximumCpus; cpu++)
            {
                if (group == 0 || cpu == (uint)Hardware.CurrentCpu)
                {
                    report.Events.Add(ref Hardware.RecordOf(cpu).Counters);
                }
            }
        }

        Status status = FrameTable.TryLock(range, FrameExpectation.Os, out LockedFrames frames);
        if (status != Status.Success)
        {
            return status;
        }

        Hardware.At<Report>(range.First.Address) = report;
        frames.Release();
        return Status.Success;
    }

    // The enclaves' counters without their locks: each is exact, their sum a snapshot only while nothing moves.
    private static void AddMachine(ref Report report)
    {
        ref readonly MonitorLayout layout = ref FrameTable.Layout;
        for (uint i = 0; i < Constants.MaximumEnclaves; i++)
        {
            if (EnclaveTable.StateOf(i) is EnclaveState.Live or EnclaveState.Stopped or EnclaveState.Dead)
            {
                AddEnclave(ref report, EnclaveTable.At(i));
            }
        }

        report.FramesTotal = layout.Ram.Count;
        report.FramesMonitor = layout.Ram.Count - layout.OsRam.Count;
        report.FramesOs = layout.OsRam.Count - report.FramesPrivate - report.FramesTables;
    }

    private static void AddDma(ref Report report)
    {
        ulong before = Smmu.Faults;
        OsStageTwo.TakeDmaEvents();
        if (Smmu.Faults != before)
        {
            Audit.Refuse(AbiConstants.AuditRuleDma, Audit.NoEnclave, Smmu.LastStream, Smmu.LastAddress, (Status)(Smmu.Faults - before));
        }

        report.DmaFaults = Smmu.Faults;
        report.DmaLastStream = Smmu.LastStream;
        report.DmaLastAddress = Smmu.LastAddress;
        report.SmmuCommands = Smmu.Commands;
    }

    private static void AddEnclave(ref Report report, in Enclave enclave)
    {
        report.FramesPrivate += enclave.OwnedFrames;
        report.FramesTables += enclave.TableFrames + enclave.Tasks;
        report.FramesLent += enclave.LentFrames;
        report.Enclaves++;
        report.Tasks += enclave.Tasks;
    }
}
