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
}
