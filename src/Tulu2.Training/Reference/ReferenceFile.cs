namespace Tulu2.Training.Reference;

/// <summary>Where a run's reference log-probabilities lie once the reference pass is done.</summary>
/// <param name="Pairs">Pairs in the token store.</param>
public sealed record ReferenceFile(string Directory, string Key, int Pairs)
{
    /// <summary>Holds at least the pairs that the run takes.</summary>
    /// <exception cref="InvalidOperationException">The pass is not done, or the file is damaged.</exception>
    public ReferenceLogProbabilities Open() => ReferenceLogProbabilities.TryOpen(Directory, Key, Pairs)
        ?? throw new InvalidOperationException($"{ReferenceLogProbabilities.FileOf(Directory, Key)}: there are no reference log-probabilities, or they are damaged");
}
