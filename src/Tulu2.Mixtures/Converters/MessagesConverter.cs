using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Reading;
using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Converters;

/// <summary>
/// Rows that are in a form which training reads already, the released one unless the option <c>form</c> names another row source. They keep their dataset
/// and id. The option <c>only</c> takes the rows of some datasets: a released mixture is a source of all its parts.
/// </summary>
internal sealed class MessagesConverter : IMixtureConverter
{
    private const string Form = "form", Only = "only";

    public string Name => "messages";

    public IReadOnlyList<string> Keys => RowSources.Columns.Names;

    public IRecordConversion Begin(ConversionSetup setup)
    {
        var forms = RowSources.All.OfType<IRowSource<MessageRow>>().ToList();
        var form = setup.Options.Choice(Form, RowKeys.Messages, [.. forms.Select(source => source.Name)]);
        return new MessagesConversion(setup.Source, forms.Single(source => source.Name == form), setup.Options.Texts(Only));
    }

    private sealed class MessagesConversion(string source, IRowSource<MessageRow> form, IReadOnlyList<string> only) : IRecordConversion
    {
        // A name ending in a dot stands for all that begin with it: science. has six tasks.
        public bool Wants(JsonElement record) => only.Count == 0 || JsonFields.TryGet(record, RowKeys.Dataset, out var dataset)
            && dataset.ValueKind == JsonValueKind.String && only.Any(name => IsOf(dataset.GetString()!, name));

        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            var (row, fault) = form.Convert(record, context.Location);
            if (row is null)
            {
                output.Reject(fault!.Reason);
                return;
            }
            var dataset = JsonFields.TryGet(record, RowKeys.Dataset, out _) ? row.Dataset : source;
            output.Add(dataset, JsonFields.TryGet(record, RowKeys.Id, out _) ? row.Id : $"{source}_{context.Index}", row.Messages);
        }

        private static bool IsOf(string dataset, string name) =>
            dataset == name || name.EndsWith('.') && dataset.StartsWith(name, StringComparison.Ordinal);
    }
}
