using YamlDotNet.RepresentationModel;

namespace Tulu2.Mixtures.Settings;

/// <summary>Where each part of a mixture's file comes from: a line of the file, or the argument that replaced it.</summary>
/// <param name="file">The file as the user named it.</param>
internal sealed class Places(string file)
{
    private readonly Dictionary<YamlNode, string> _given = new(ReferenceEqualityComparer.Instance);

    public string File { get; } = file;

    public string Of(YamlNode node) => _given.GetValueOrDefault(node) ?? $"{File}:{node.Start.Line}";

    /// <summary>Sources that an argument leaves out.</summary>
    public HashSet<string> LeftOut { get; } = [];

    public bool IsGiven(YamlNode node) => _given.ContainsKey(node);

    /// <summary>The node, and all in it, comes from an argument of the command line.</summary>
    public void Given(YamlNode node, string argument)
    {
        foreach (var inner in node.AllNodes) _given[inner] = argument;
    }

    /// <summary>A node that was made in place of another one of the file.</summary>
    public YamlNode Replaced(YamlNode made, YamlNode original)
    {
        Given(made, Of(original));
        return made;
    }
}
