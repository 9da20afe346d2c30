using Tulu2.Files;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Deduplication;
using Tulu2.Mixtures.Filters;
using Tulu2.Mixtures.Selection;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Recipes;

/// <summary>Reads a mixture's file and the <c>key=value</c> arguments over it. Strict: what it does not know or cannot use is an error with its line.</summary>
internal static class MixtureReader
{
    private const int MostShards = 10_000;
    private const string Data = "data", Sources = "sources", Filters = "filters", Duplicates = "deduplicate", Name = "name", Except = "except";

    /// <param name="path">The YAML file; relative paths in it start at its folder, or at <c>data</c>, which is relative to it.</param>
    /// <param name="arguments"><c>key=value</c>; a relative <c>data</c> among them starts at the current directory.</param>
    /// <exception cref="BadInputException">Anything unknown, of a wrong type, out of range or contradictory; names the line or the argument.</exception>
    public static MixtureRecipe Load(string path, IReadOnlyList<string> arguments)
    {
        string text;
        try
        {
            if (File.Exists(path) && FileLength.Of(path) > 0) ForeignContent.Refuse(path, FileUse.Yaml);
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var what = Directory.Exists(path) ? "is a directory, not a mixture's file" : File.Exists(path) ? "cannot be read" : "there is no such mixture";
            throw new BadInputException(path, what, "name a YAML file; `recipes/mixtures/` holds examples", error);
        }
        return Parse(path, text, Path.GetDirectoryName(Path.GetFullPath(path))!, arguments, Directory.GetCurrentDirectory());
    }

    internal static MixtureRecipe Parse(string file, string text, string fileDirectory, IReadOnlyList<string> arguments, string currentDirectory)
    {
        var places = new Places(file);
        var root = MixtureText.Read(file, text, arguments, places);
        var section = new Section(root, "", places);
        var mode = section.Choice("mode", "parity", "parity", "fixed") == "fixed" ? MixtureMode.Fixed : MixtureMode.Parity;
        var seed = section.Whole("seed", int.MinValue) ?? 42;
        var data = section.Text(Data) ?? ".";
        var folder = Path.GetFullPath(FilePatterns.Home(data), section.IsArgument(Data) ? currentDirectory : fileDirectory);
        List<SourceRecipe> sources = [.. section.Sections(Sources).Select(part => Source(part, mode, seed, folder))];
        if (sources.Count == 0) throw section.Fault(Sources, "there are none", "write `sources: [{name: mine, converter: messages, files: [rows.jsonl]}]`");
        if (sources.GroupBy(source => source.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw twice.Last().Fault(Name, $"'{twice.Key}' stands twice", "give each source a name of its own; the rows' dataset and ids begin with it");
        var filters = section.Sections(Filters).Select(part => Filter(part, mode, sources)).ToList();
        var format = section.Choice("format", "jsonl.gz", "jsonl.gz", "parquet") == "parquet" ? ShardFormat.Parquet : ShardFormat.JsonLines;
        var recipe = new MixtureRecipe(file, seed, mode, sources, filters, Duplicate(section), section.Whole("shards", 1) ?? 1, format)
        {
            // Where the inputs lie does not decide what is built; their content does.
            Canonical = MixtureText.Canonical(MixtureText.Without(root, Data)),
            Data = folder,
        };
        if (recipe.Shards > MostShards) throw section.Fault("shards", $"{recipe.Shards} are more than {MostShards:N0}", "use fewer");
        section.RefuseUnread();
        return recipe;
    }

    private static SourceRecipe Source(Section section, MixtureMode mode, int seed, string folder)
    {
        var name = section.RequiredText(Name);
        var names = MixtureConverters.All.Select(converter => converter.Name).ToList();
        section.RequiredText("converter");
        var word = section.Choice("converter", "", names);
        var converter = MixtureConverters.All.Single(converter => converter.Name == word);
        var options = section.Part("options");
        var conversion = converter.Begin(new ConversionSetup(name, mode, options, seed, path => Path.GetFullPath(FilePatterns.Home(path), folder)));
        options.RefuseUnread();
        var files = section.Texts("files");
        if (files.Count == 0) throw section.Fault("files", "there are none", "write `files: [rows.jsonl]`");
        var entries = files.Select(file => Entry(section, file, folder)).ToList();
        var source = new SourceRecipe(name, word, converter.Keys, conversion, entries, AmountOf(section), Paper(section.Part("paper")), section);
        section.RefuseUnread();
        return source;
    }

    private static FileEntry Entry(Section section, string file, string folder)
    {
        var paths = FilePatterns.ExpandRows(Path.GetFullPath(FilePatterns.Home(file), folder));
        return paths.FirstOrDefault(path => !File.Exists(path)) is not { } missing ? new FileEntry(file, paths)
            : throw section.Fault("files", $"there is no file {missing}", "fetch it, correct the path or `data`, or leave the source out: sources.NAME=null");
    }

    private static Amount AmountOf(Section section)
    {
        const string sample = "sample", weight = "weight";
        if (!section.Has(sample)) return section.Number(weight, least: 0, most: 1000) is { } passes ? new Amount(null, null, passes) : Amount.Everything;
        if (section.Has(weight)) throw section.Fault(weight, "stands beside a sample", "keep one of them");
        return section.IsList(sample) ? new Amount(null, section.Wholes(sample), null) : new Amount(section.Whole(sample), null, null);
    }

    private static PaperCount? Paper(Section section)
    {
        var (raw, final) = (section.Whole("raw"), section.Whole("final"));
        section.RefuseUnread();
        return raw is null && final is null ? null : new PaperCount(raw, final);
    }

    private static FilterRecipe Filter(Section section, MixtureMode mode, List<SourceRecipe> sources)
    {
        section.RequiredText(Name);
        var name = section.Choice(Name, "", [.. RowFilters.All.Select(filter => filter.Name)]);
        var except = section.Texts(Except);
        if (except.FirstOrDefault(one => !sources.Exists(source => source.Name == one) && !section.Places.LeftOut.Contains(one)) is { } unknown)
            throw section.Fault(Except, $"there is no source '{unknown}'", $"use names of sources: {string.Join(", ", sources.Select(source => source.Name))}");
        var filter = new FilterRecipe(name, except, RowFilters.All.Single(filter => filter.Name == name).Begin(section, mode));
        section.RefuseUnread();
        return filter;
    }

    private static DuplicateRule Duplicate(Section root)
    {
        string[] kinds = ["none", "exact", "near"];
        if (!root.IsPart(Duplicates)) return new DuplicateRule(Kind(root.Choice(Duplicates, "none", kinds)));
        var section = root.Part(Duplicates);
        var rule = new DuplicateRule(Kind(section.Choice("kind", "near", kinds)));
        rule = rule with
        {
            Threshold = section.Number("threshold", least: 0.2, most: 1) ?? rule.Threshold,
            Shingle = section.Whole("shingle", least: 1) ?? rule.Shingle,
        };
        section.RefuseUnread();
        return rule;
    }

    private static DuplicateKind Kind(string word) => word switch { "exact" => DuplicateKind.Exact, "near" => DuplicateKind.Near, _ => DuplicateKind.None };
}
