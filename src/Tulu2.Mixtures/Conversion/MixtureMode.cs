namespace Tulu2.Mixtures.Conversion;

/// <summary>What to do where the original code slips (docs/reference/tulu2.md, slips of the mixture).</summary>
public enum MixtureMode
{
    /// <summary>As the original code did, slip for slip.</summary>
    Parity,
    /// <summary>Right; each source has a random stream of its own.</summary>
    Fixed,
}
