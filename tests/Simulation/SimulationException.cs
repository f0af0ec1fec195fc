using System;

namespace BlackBox.Simulation;

/// <summary>The monitor broke a rule of the architecture or of its own (page-table protocol, access outside RAM).</summary>
public sealed class SimulationException(string message) : Exception(message);

/// <summary>The monitor found a bug of its own.</summary>
public sealed class MonitorPanicException(string reason) : Exception(reason);
