using Tulu2.Hub.References;

namespace Tulu2.Hub.Fetching;

/// <summary>What is fetched.</summary>
/// <param name="Reference">The repository.</param>
/// <param name="Select">Chooses files from all names of the repository; throws <see cref="Files.BadInputException"/> where it finds none.</param>
public sealed record FetchRequest(HubReference Reference, Func<IReadOnlyList<string>, IReadOnlyList<string>> Select)
{
    /// <summary>The commit that is meant, whatever the reference's revision stands for now. Null: what it stands for now.</summary>
    public string? Commit { get; init; }

    /// <summary>Check the content of files that are there against their hashes, and fetch those anew that are damaged.</summary>
    public bool Verify { get; init; }
}
