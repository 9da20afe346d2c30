namespace Tulu2.Evaluation.Provenance;

/// <summary>What a model was trained on, as far as its files say.</summary>
/// <param name="Stages">In the order of training: those of the model that a run began with come first. Empty: nothing is known.</param>
public sealed record ModelProvenance(IReadOnlyList<TrainingStage> Stages)
{
    public static ModelProvenance Unknown { get; } = new([]);

    /// <summary>The stages of all, each once: of a model and the adapters beside it.</summary>
    public static ModelProvenance Joined(IEnumerable<ModelProvenance> parts)
    {
        var stages = new List<TrainingStage>();
        foreach (var stage in parts.SelectMany(part => part.Stages))
            if (!stages.Any(stage.IsSameAs)) stages.Add(stage);
        return new ModelProvenance(stages);
    }

    /// <summary>This model after one more stage.</summary>
    public ModelProvenance Then(TrainingStage stage) => new([.. Stages, stage]);
}

/// <summary>One training of a model.</summary>
/// <param name="Objective">As a recipe writes it; empty: not known.</param>
public sealed record TrainingStage(string Objective, IReadOnlyList<TrainedData> Data)
{
    internal bool IsSameAs(TrainingStage other) => Objective == other.Objective && Data.SequenceEqual(other.Data);
}

/// <summary>A file or data set that a model was trained on.</summary>
/// <param name="Name">
/// A name on a hub (<c>hf://datasets/OWNER/NAME</c> or <c>OWNER/NAME</c>), the name that the recipe gives, or folder and file.
/// </param>
/// <param name="Bytes">Length of the file; null: not known.</param>
/// <param name="Sha256">Of the file; null: not known.</param>
public sealed record TrainedData(string Name, long? Bytes = null, string? Sha256 = null);
