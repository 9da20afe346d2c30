using Tulu2.Mixtures.Output;

namespace Tulu2.Mixtures.Building;

/// <summary>A finished mixture.</summary>
/// <param name="Folder">Full path.</param>
/// <param name="Key">What decides its bytes: the recipe, the content of its inputs, and the version of this code.</param>
/// <param name="Rejected">Entries of the list of what was left out.</param>
/// <param name="AlreadyThere">It was built before; nothing was done.</param>
public sealed record MixtureBuild(
    string Folder, string Key, long Rows, IReadOnlyList<SourceCounts> Sources, IReadOnlyList<Shard> Shards, long Rejected, bool AlreadyThere);

/// <param name="Recipe">The mixture's YAML file.</param>
/// <param name="Arguments"><c>key=value</c> over it.</param>
/// <param name="Folder">Where the mixture goes: empty, new, or with an earlier start of the same build.</param>
/// <param name="Threads">At most so many at a time; they decide no byte.</param>
public sealed record MixtureRequest(string Recipe, IReadOnlyList<string> Arguments, string Folder, int Threads);
