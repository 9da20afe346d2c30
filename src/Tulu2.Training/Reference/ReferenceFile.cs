namespace Tulu2.Training.Reference;

/// <summary>The file of a run's reference log-probabilities, complete after the reference pass.</summary>
/// <param name="Directory">Cache directory.</param>
/// <param name="Key">See <see cref="ReferenceLogProbabilities.Key"/>.</param>
/// <param name="Pairs">Number of pairs in the token store.</param>
public sealed record ReferenceFile(string Directory, string Key, int Pairs)
{
    /// <summary>Reads the file, which has at least the pairs of the run.</summary>
    /// <exception cref="InvalidOperationException">The file does not exist or is damaged.</exception>
    public ReferenceLogProbabilities Open() => ReferenceLogProbabilities.TryOpen(Directory, Key, Pairs)
        ?? throw new InvalidOperationException($"{ReferenceLogProbabilities.FileOf(Directory, Key)}: the reference log-probabilities are missing or damaged");
}
