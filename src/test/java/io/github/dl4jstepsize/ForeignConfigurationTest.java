package io.github.dl4jstepsize;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;
import net.jqwik.api.Tuple;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Assertions;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * Configurations that come from outside, damaged in every way: they load and train, or fail with a message that names
 * the property and its value. Properties that nobody knows are ignored, and null is 0 for a number, as everywhere in DL4J.
 * Ten thousand of them: {@code mvn test -Dexcluded.tests= -Dtest=ForeignConfigurationTest}.
 */
class ForeignConfigurationTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String PLACE_OF_UPDATER = "\"place of the updater\"";
    private static final String NETWORK = network();
    private static final List<Map<String, String>> UPDATERS = ConfigurationTest.updaters()
            .map(ForeignConfigurationTest::properties).collect(Collectors.toList());
    private static final MultiDataSet BATCH = Problem.MLP_CLIPPED.batch(0, 4, DataType.FLOAT);

    /** What a value may be replaced by, in JSON. */
    private static final List<String> VALUES = List.of("null", "\"\"", "\"abc\"", "\"0.5\"", "\"NaN\"", "\"Infinity\"",
            "true", "false", "[]", "[1]", "{}", "{\"a\": 1}", "-1", "-0.0", "0", "0.5", "1", "2", "2.7", "1e-320", "1e308",
            "1e400", "-1e400", "2147483647", "2147483648", "-2147483648", "123456789012345678901234567890",
            // Enum constants, right in some places.
            "\"SGD\"", "\"ADAM\"", "\"GOLDSTEIN\"", "\"LARGE\"", "\"LOSS\"", "\"PUBLISHED\"", "\"PER_EXAMPLE\"",
            "\"RESTART\"",
            // Batch schedules.
            "{\"0\": 0}", "{\"0\": null}", "{\"0\": 1, \"1\": 2147483647}", "{\"0\": 1, \"-1\": 1}", "{\"0\": 1.5}",
            "{\"x\": 1}", "{\"0\": [1]}",
            // Base updaters.
            "{\"@class\": \"org.nd4j.linalg.learning.config.NoOp\"}",
            "{\"@class\": \"org.nd4j.linalg.learning.config.AdaDelta\"}",
            "{\"@class\": \"org.nd4j.linalg.learning.config.Adam\", \"learningRate\": null, \"beta1\": \"NaN\"}",
            "{\"@class\": \"org.nd4j.linalg.learning.config.Nesterovs\", \"momentum\": -1e300}",
            "{\"@class\": \"io.github.dl4jstepsize.SlsUpdater\"}",
            "{\"@class\": \"java.lang.Runtime\"}", "{\"@class\": 5}");

    private enum Damage {REPLACED, DELETED, DUPLICATED, UNKNOWN, TRUNCATED}

    private static final class Change {

        private final Damage damage;
        private final int property;
        private final String value;
        /** Where the text ends, as a share of it. */
        private final double end;

        private Change(Damage damage, int property, String value, double end) {
            this.damage = damage;
            this.property = property;
            this.value = value;
            this.end = end;
        }
    }

    /** A network's JSON, and the values that were put into it. */
    private static final class Damaged {

        private final String json;
        private final Map<String, List<String>> changed;
        private final boolean truncated;

        private Damaged(Map<String, String> updater, List<Change> changes) {
            Map<String, String> properties = new LinkedHashMap<>(updater);
            Map<String, String> duplicates = new LinkedHashMap<>();
            changed = new LinkedHashMap<>();
            double end = 1;
            for (Change change : changes) {
                List<String> names = new ArrayList<>(updater.keySet());
                String name = names.get(change.property % names.size());
                switch (change.damage) {
                    case REPLACED:
                        properties.put(name, change.value);
                        remember(name, change.value);
                        break;
                    case DELETED:
                        properties.remove(name);
                        break;
                    case DUPLICATED:
                        duplicates.put(name, change.value);
                        remember(name, change.value);
                        break;
                    case UNKNOWN:
                        duplicates.put(name + "X", change.value);
                        break;
                    default:
                        end = change.end;
                }
            }
            String text = "{" + text(properties) + (duplicates.isEmpty() || properties.isEmpty() ? "" : ", ")
                    + text(duplicates) + "}";
            String whole = NETWORK.replace(PLACE_OF_UPDATER, text);
            truncated = end < 1;
            json = whole.substring(0, (int) (end * whole.length()));
        }

        private void remember(String name, String value) {
            changed.computeIfAbsent(name, any -> new ArrayList<>()).add(value);
        }

        private static String text(Map<String, String> properties) {
            return properties.entrySet().stream().map(property -> "\"" + property.getKey() + "\": " + property.getValue())
                    .collect(Collectors.joining(", "));
        }

        /** Whether a message names something that was changed, and its value. */
        private boolean isNamedIn(String message) {
            // Where the parser was and what it saw there says neither.
            String text = message.replaceAll("(?s) *at \\[Source.*?column: \\d+]", "").replaceAll("ArrayList\\[\\d+]", "");
            boolean ends = truncated && Stream.of("end-of-input", "Unrecognized token", "in numeric value")
                    .anyMatch(text::contains);
            // DL4J's own message for classes that it does not know, among them those of its older versions.
            boolean unknownClass = text.contains("Error deserializing MultiLayerConfiguration");
            return ends || unknownClass || changed.entrySet().stream().anyMatch(change ->
                    Pattern.compile("[ \"]" + change.getKey() + "[ \",']").matcher(text).find()
                            && change.getValue().stream().flatMap(Damaged::forms).anyMatch(text::contains));
        }

        /** The ways in which a message can render a JSON value, or the part of it that is wrong. */
        private static Stream<String> forms(String value) {
            if (value.equals("null") || value.equals("\"\"")) {
                // Jackson's numbers for nothing.
                return Stream.of("null", "\"\"", " 0,", " 0.0,", "VALUE_STRING");
            }
            if (value.startsWith("[")) {
                return Stream.of("START_ARRAY", "END_ARRAY", "VALUE_NUMBER");
            }
            if (value.equals("true") || value.equals("false")) {
                return Stream.of("VALUE_" + value.toUpperCase(Locale.ROOT));
            }
            if (value.startsWith("{")) {
                return Stream.concat(Stream.of("START_OBJECT", "END_OBJECT", "FIELD_NAME", "START_ARRAY", "{}"),
                        Arrays.stream(value.split("[^-\\w.]+")).filter(word -> !word.isEmpty())
                                .map(word -> word.substring(word.lastIndexOf('.') + 1)));
            }
            String text = value.replace("\"", "");
            try {
                double number = Double.parseDouble(text);
                return Stream.of(text, String.valueOf(number), " " + (int) number + ",", "VALUE_NUMBER", "VALUE_STRING");
            } catch (NumberFormatException e) {
                return Stream.of(text, "VALUE_STRING");
            }
        }

        @Override
        public String toString() {
            return changed + (truncated ? ", truncated" : "");
        }
    }

    @Provide
    Arbitrary<Damaged> damaged() {
        Arbitrary<String> values = Arbitraries.oneOf(Arbitraries.of(VALUES), Arbitraries.of(VALUES),
                Arbitraries.doubles().ofScale(6).map(String::valueOf), Arbitraries.integers().map(String::valueOf));
        Arbitrary<Change> changes = Combinators.combine(Arbitraries.frequency(
                Tuple.of(10, Damage.REPLACED), Tuple.of(2, Damage.DELETED),
                Tuple.of(2, Damage.DUPLICATED), Tuple.of(1, Damage.UNKNOWN),
                Tuple.of(1, Damage.TRUNCATED)),
                Arbitraries.integers().between(0, 99), values, Arbitraries.doubles().between(0, 0.999).ofScale(3))
                .as(Change::new);
        return Combinators.combine(Arbitraries.of(UPDATERS), changes.list().ofMinSize(1).ofMaxSize(3)).as(Damaged::new);
    }

    @Property(tries = 500, seed = "1", edgeCases = EdgeCasesMode.NONE)
    void fiveHundred(@ForAll("damaged") Damaged damaged) {
        loadsAndTrainsOrSaysWhatIsWrong(damaged);
    }

    @Property(tries = 10_000, seed = "2", edgeCases = EdgeCasesMode.NONE)
    @Tag("benchmark")
    void tenThousand(@ForAll("damaged") Damaged damaged) {
        loadsAndTrainsOrSaysWhatIsWrong(damaged);
    }

    private static void loadsAndTrainsOrSaysWhatIsWrong(Damaged damaged) {
        MultiLayerConfiguration loaded;
        try {
            loaded = MultiLayerConfiguration.fromJson(damaged.json);
        } catch (RuntimeException e) {
            assertTrue(damaged.isNamedIn(e.getMessage()), () -> damaged + ": " + e.getMessage());
            return;
        }
        assertEquals(loaded, MultiLayerConfiguration.fromJson(loaded.toJson()));
        MultiLayerNetwork network = new MultiLayerNetwork(loaded);
        network.init();
        network.addListeners(new StepSizeListener());
        try {
            Problem.fit(network, BATCH);
        } catch (IllegalStateException e) {
            // Only the first loss shows that MoMo's lower bound of it is wrong.
            assertTrue(damaged.isNamedIn(e.getMessage()), () -> damaged + ": " + e.getMessage());
        }
        assertFalse(network.params().cond(Conditions.notFinite()).any(),
                () -> damaged + ": " + StepSizes.lastRecord(network) + ", parameters " + network.params());
    }

    private static String network() {
        String json = new NeuralNetConfiguration.Builder().seed(1).updater(new PalUpdater()).list()
                .layer(new DenseLayer.Builder().nOut(3).activation(Activation.TANH).build())
                .layer(Problem.classes(4).build())
                .setInputType(InputType.feedForward(12)).build().toJson();
        return json.replaceAll("(?s)(\"iupdater\" *: *)\\{[^}]*}", "$1" + PLACE_OF_UPDATER);
    }

    /** An updater's properties in JSON. */
    private static Map<String, String> properties(StepSizeUpdater updater) {
        try {
            JsonNode network = MAPPER.readTree(Problem.MLP_CLIPPED.network(updater, DataType.FLOAT).conf().toJson());
            Map<String, String> properties = new LinkedHashMap<>();
            network.findValue("iupdater").fields().forEachRemaining(field ->
                    properties.put(field.getKey(), field.getValue().toString()));
            return properties;
        } catch (JsonProcessingException e) {
            return Assertions.fail(e);
        }
    }
}
