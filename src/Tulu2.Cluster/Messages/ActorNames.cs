namespace Tulu2.Cluster.Messages;

/// <summary>Names by which nodes address each other's actors, and the roles of nodes.</summary>
internal static class ActorNames
{
    /// <summary>Every node's actor system.</summary>
    public const string System = "tulu2";

    /// <summary>Nodes with this role may have the coordinator.</summary>
    public const string CoordinatorRole = "coordinator";

    /// <summary>Nodes with this role take ranks.</summary>
    public const string TrainerRole = "trainer";

    /// <summary>Nodes with this role score the checkpoints of runs.</summary>
    public const string EvaluatorRole = "evaluator";

    /// <summary>Every role that a node may have.</summary>
    public static IReadOnlyList<string> Roles { get; } = [CoordinatorRole, TrainerRole, EvaluatorRole];

    /// <summary>Manager of the cluster's one coordinator.</summary>
    public const string Coordinator = "run";

    /// <summary>Agent of every node.</summary>
    public const string NodeAgent = "node";

    /// <summary>Gateway of every node that takes submissions.</summary>
    public const string Gateway = "gateway";

    // Below a run's own actor.
    public const string GradientSync = "gradient-sync";
    public const string Checkpoints = "checkpoints";
    public const string Mirror = "mirror";
    public const string Ledger = "ledger";
    public const string Placement = "placement";
    public const string Evaluations = "evaluations";
}
