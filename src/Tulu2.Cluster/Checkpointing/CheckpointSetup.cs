using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>Contents common to all manifests of a run, and the number that is kept.</summary>
internal sealed record CheckpointSetup(
    int Keep, string RecipeHash, int VirtualShards, IReadOnlyDictionary<string, string> Facts, ICheckpointWriter Writer, string? Recipe = null)
{
    /// <summary>The checkpoint of the best validation is kept.</summary>
    public bool KeepsBest { get; init; }

    /// <summary>The best step that is known of an earlier life; null: none.</summary>
    public StepNumber? Best { get; init; }

    /// <summary>The best of the steps whose state the run begins with or has gone past; later ones may have no checkpoint yet. Null: none.</summary>
    public StepNumber? BestBefore { get; init; }

    /// <summary>Checkpoints are kept until the evaluation pool has said that it does not need them.</summary>
    public bool IsEvaluated { get; init; }

    /// <summary>Steps whose checkpoints the evaluation of an earlier life needs yet.</summary>
    public IReadOnlyCollection<int> Pinned { get; init; } = [];

    /// <summary>The second place of the checkpoints; null: there is none.</summary>
    public MirrorSetup? Mirror { get; init; }

    /// <summary>The checkpoint that the run goes on from, which the second place may lack; null: none.</summary>
    public StepNumber? Newest { get; init; }

    /// <summary>A checkpoint that is not written within this time is given up.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Time from a checkpoint that could not be written to the first try of its storage.</summary>
    public TimeSpan TryStorage { get; init; } = TimeSpan.FromSeconds(10);
}
