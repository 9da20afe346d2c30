using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Converters;

/// <summary>LIMA: <c>conversations</c> is a list of texts, the user's and the assistant's in turn. A last question without an answer is cut off.</summary>
internal sealed class LimaConverter : IMixtureConverter
{
    public string Name => "lima";

    public IReadOnlyList<string> Keys => [SpokenTurns.Key];

    public IRecordConversion Begin(ConversionSetup setup) => new LimaConversion(setup);

    private sealed class LimaConversion(ConversionSetup setup) : IRecordConversion
    {
        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!RecordFields.List(record, SpokenTurns.Key, output, out var list)) return;
            var messages = new List<Message>();
            foreach (var item in list.EnumerateArray().Take(list.GetArrayLength() / 2 * 2))
            {
                if (item.ValueKind != JsonValueKind.String)
                {
                    output.Reject($"{SpokenTurns.Key}[{messages.Count}] is {JsonFields.Describe(item)}, not a text");
                    return;
                }
                messages.Add(new Message(messages.Count % 2 == 0 ? Message.User : Message.Assistant, item.GetString()!));
            }
            if (messages.Count == 0) output.Reject("there is no pair of turns");
            else output.Add(setup.Source, $"{setup.Source}_{context.Index}", messages);
        }
    }
}
