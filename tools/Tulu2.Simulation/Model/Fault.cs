namespace Tulu2.Simulation.Model;

/// <summary>What goes wrong in a schedule.</summary>
internal enum Fault
{
    WorkerDies,
    WorkerFreezes,
    WorkerIsWrong,
    NodeDies,
    NodeFreezes,
    NodeIsIsolated,
    CoordinatorDies,
    CoordinatorFreezes,
    CoordinatorMachineCrashes,
    EvaluatorDies,
    NetworkIsBad,
    DiskIsFull,

    /// <summary>The run is to have another number of replicas.</summary>
    RunIsScaled,

    /// <summary>A worker is told to end, and makes its step first.</summary>
    WorkerLeaves,

    /// <summary>A node is told to end, and lets its ranks make their step first.</summary>
    NodeLeaves,
}
