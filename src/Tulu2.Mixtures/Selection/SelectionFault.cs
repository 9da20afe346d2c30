namespace Tulu2.Mixtures.Selection;

/// <summary>A source cannot give what the recipe asks for.</summary>
/// <param name="key">The source's key at fault.</param>
internal sealed class SelectionFault(string key, string what, string fix) : Exception(what)
{
    public string Key { get; } = key;
    public string What { get; } = what;
    public string Fix { get; } = fix;
}
