using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Settings;
using Tulu2.Mixtures.Trees;

namespace Tulu2.Mixtures.Converters;

/// <summary>
/// OpenAssistant's trees (docs/reference/tulu2.md, sources): a row for each way from the prompt to a last answer. The option <c>top_k</c> is how many
/// replies are followed at each turn, the best ones by quality; <c>all</c> is the default.
/// </summary>
internal sealed class OpenAssistantConverter : IMixtureConverter
{
    private const string Prompt = "prompt", TopK = "top_k";

    public string Name => "oasst1";

    public IReadOnlyList<string> Keys => [Prompt];

    public IRecordConversion Begin(ConversionSetup setup) => new OpenAssistantConversion(setup, Replies(setup.Options));

    private static int Replies(Section options) =>
        options.Has(TopK) && options.Text(TopK) == "all" ? int.MaxValue : options.Whole(TopK, least: 1) ?? int.MaxValue;

    private sealed class OpenAssistantConversion(ConversionSetup setup, int topK) : IRecordConversion
    {
        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!JsonFields.TryGet(record, Prompt, out var prompt))
            {
                output.Reject($"no {Prompt}: the record has {JsonFields.Names(record)}");
                return;
            }
            if (ReplyNode.Read(prompt, Prompt, out var root) is { } reason)
            {
                output.Reject(reason);
                return;
            }
            var walk = new ReplyWalk(topK, setup.Mode == MixtureMode.Fixed);
            foreach (var path in walk.Paths(root!)) output.Rows.Add(new ConvertedRow(setup.Source, $"{setup.Source}_", path, IsNumbered: true));
            output.Slip(ReplyWalk.LostAnswer, walk.LostAnswers);
        }
    }
}
