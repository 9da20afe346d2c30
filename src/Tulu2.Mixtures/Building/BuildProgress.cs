namespace Tulu2.Mixtures.Building;

/// <summary>What a build is doing.</summary>
public enum BuildPhase { Reading, Converting, Writing }

/// <param name="Done">Records or rows done in this phase.</param>
/// <param name="Total">Of the phase; 0: not known yet.</param>
public readonly record struct BuildProgress(BuildPhase Phase, long Done, long Total);
