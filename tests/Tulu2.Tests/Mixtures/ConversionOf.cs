using System.Text;
using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Rows;
using Tulu2.Mixtures.Settings;
using YamlDotNet.RepresentationModel;

namespace Tulu2.Tests.Mixtures;

/// <summary>One record through one converter, as the source <c>mine</c> unless another name is given.</summary>
internal static class ConversionOf
{
    public static IRecordConversion Begin(string converter, MixtureMode mode, string options = "{}", string name = "mine")
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(options));
        var section = new Section((YamlMappingNode)stream.Documents[0].RootNode, "options", new Places("test"));
        return MixtureConverters.All.Single(one => one.Name == converter).Begin(new ConversionSetup(name, mode, section, 42, path => path));
    }

    public static RecordOutput Record(
        string converter, string record, MixtureMode mode = MixtureMode.Parity, string options = "{}", int index = 0, double draw = 0, string name = "mine")
    {
        using var document = JsonDocument.Parse(record);
        var output = new RecordOutput();
        Begin(converter, mode, options, name).Convert(document.RootElement, new RecordContext(new RowLocation("rows.jsonl", 1), index, draw), output);
        return output;
    }

    public static string Line(ConvertedRow row, int number = 0)
    {
        var line = RowJson.Write(row, out var numberAt);
        return Encoding.ASCII.GetString(RowJson.Numbered(line, numberAt, number));
    }
}
