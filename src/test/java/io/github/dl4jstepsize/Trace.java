package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.LossFunctions;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The numbers that an author's published code produced on a small problem, with the problem itself. */
final class Trace {

    private static final int BATCH = 32;

    private final String problem;
    final List<Row> rows = new ArrayList<>();
    private final Map<String, INDArray> last;

    private Trace(String problem, String name) {
        this.problem = problem;
        List<String[]> lines = lines(problem + "/" + name + ".csv");
        List<String> columns = Arrays.asList(lines.get(0));
        for (String[] line : lines.subList(1, lines.size())) {
            Map<String, Double> values = new HashMap<>();
            for (int i = 0; i < line.length; i++) {
                values.put(columns.get(i), Double.valueOf(line[i]));
            }
            rows.add(new Row(columns, values));
        }
        last = blocks(problem + "/" + name + "__final.csv");
    }

    static Trace of(String problem, String method) {
        return new Trace(problem, method);
    }

    /** The problem's network at its starting point. */
    MultiLayerNetwork network(StepSizeUpdater updater) {
        NeuralNetConfiguration.ListBuilder layers = new NeuralNetConfiguration.Builder()
                .dataType(DataType.DOUBLE).updater(updater).list();
        int inputs = 64;
        if (problem.equals("P2")) {
            layers.layer(new DenseLayer.Builder().nIn(64).nOut(32).activation(Activation.TANH).build());
            inputs = 32;
        }
        MultiLayerConfiguration configuration = layers.layer(new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
                .nIn(inputs).nOut(10).activation(Activation.SOFTMAX).build()).build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        blocks(problem + "/init.csv").forEach((name, value) -> network.setParam(key(name), value));
        network.addListeners(new StepSizeListener());
        return network;
    }

    DataSet batch(Row row) {
        int from = BATCH * (int) row.get("batch");
        INDArray x = matrix(lines("P1/x.csv")).divi(16);
        String[] y = lines("P1/y.csv").get(0);
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, BATCH, 10);
        for (int i = 0; i < BATCH; i++) {
            labels.putScalar(i, Integer.parseInt(y[from + i]), 1);
        }
        return new DataSet(x.get(NDArrayIndex.interval(from, from + BATCH), NDArrayIndex.all()).dup(), labels);
    }

    /** The parameter entry that a column such as {@code W1[20;3]} names. */
    static double entry(MultiLayerNetwork network, String column) {
        String name = column.substring(0, column.indexOf('['));
        String[] index = column.substring(column.indexOf('[') + 1, column.indexOf(']')).split(";");
        INDArray parameter = network.getParam(key(name));
        return parameter.rank() == 1 ? parameter.getDouble(Long.parseLong(index[1]))
                : parameter.getDouble(Long.parseLong(index[0]), Long.parseLong(index[1]));
    }

    Map<String, INDArray> finalParameters() {
        Map<String, INDArray> byKey = new LinkedHashMap<>();
        last.forEach((name, value) -> byKey.put(key(name), value));
        return byKey;
    }

    /** From the traces' names W1, b1, W2, b2 to DL4J's 0_W, 0_b, 1_W, 1_b. */
    private static String key(String name) {
        return Integer.parseInt(name.substring(1)) - 1 + "_" + name.charAt(0);
    }

    private static Map<String, INDArray> blocks(String file) {
        Map<String, INDArray> blocks = new LinkedHashMap<>();
        List<String[]> lines = lines(file);
        for (int i = 0; i < lines.size(); ) {
            String[] head = lines.get(i++);
            int rows = Integer.parseInt(head[1]);
            blocks.put(head[0], matrix(lines.subList(i, i + rows)));
            i += rows;
        }
        return blocks;
    }

    private static INDArray matrix(List<String[]> lines) {
        return Nd4j.createFromArray(lines.stream()
                .map(line -> Arrays.stream(line).mapToDouble(Double::parseDouble).toArray()).toArray(double[][]::new));
    }

    private static List<String[]> lines(String file) {
        try (InputStream in = Trace.class.getResourceAsStream("/traces/" + file)) {
            List<String[]> lines = new ArrayList<>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                lines.add(line.trim().split(","));
            }
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static final class Row {

        final List<String> columns;
        private final Map<String, Double> values;

        Row(List<String> columns, Map<String, Double> values) {
            this.columns = columns;
            this.values = values;
        }

        double get(String column) {
            return values.get(column);
        }

        /** The traces' README: tolerance max(1e-9, 300 sens), relative, with 1e-3 as smallest denominator. */
        double tolerance() {
            return Math.max(1e-9, 300 * get("sens"));
        }

        /** The README's bound beyond which a row is chaotic. */
        boolean isChaotic() {
            return get("sens") > 1e-6;
        }
    }
}
