namespace Tulu2.Runs.Evaluations;

/// <summary>The name of a checkpoint's model among models that are directories: <c>checkpoint:RUN/checkpoints/manifests/step-00000200.json</c>.</summary>
internal static class CheckpointName
{
    private const string Prefix = "checkpoint:";

    /// <param name="manifest">Path of its manifest, which all nodes see.</param>
    public static string Of(string manifest) => Prefix + manifest;

    /// <summary>Path of the manifest; null: it is the name of another kind of model.</summary>
    public static string? ManifestOf(string model) => model.StartsWith(Prefix, StringComparison.Ordinal) ? model[Prefix.Length..] : null;
}
