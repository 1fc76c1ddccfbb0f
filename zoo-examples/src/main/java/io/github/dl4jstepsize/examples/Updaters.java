package io.github.dl4jstepsize.examples;

import io.github.dl4jstepsize.AccuracySlsUpdater;
import io.github.dl4jstepsize.AutoUpdater;
import io.github.dl4jstepsize.DogUpdater;
import io.github.dl4jstepsize.FanUpdater;
import io.github.dl4jstepsize.GolsUpdater;
import io.github.dl4jstepsize.L4Updater;
import io.github.dl4jstepsize.LabPalUpdater;
import io.github.dl4jstepsize.MomoUpdater;
import io.github.dl4jstepsize.PalUpdater;
import io.github.dl4jstepsize.PlsUpdater;
import io.github.dl4jstepsize.PolUpdater;
import io.github.dl4jstepsize.ProdigyUpdater;
import io.github.dl4jstepsize.SalsaUpdater;
import io.github.dl4jstepsize.ScheduleFreeUpdater;
import io.github.dl4jstepsize.SlsUpdater;
import io.github.dl4jstepsize.StepSizeUpdater;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The updaters by their names on the command line: ours, and DL4J's with their default learning rates. */
final class Updaters {

    /** Behind a name: steps or rates that fall linearly to 0. */
    static final String LINEAR = "linear";
    /** Behind a name: the average of the iterates is what is tested. */
    static final String AVERAGED = "averaged";
    private static final String SEPARATOR = "[=:]";

    private static final Map<String, Supplier<StepSizeUpdater.Builder<?>>> OURS = new LinkedHashMap<>();
    private static final Map<String, Supplier<IUpdater>> THEIRS = new LinkedHashMap<>();

    static {
        OURS.put("auto", AutoUpdater::builder);
        OURS.put("labpal", LabPalUpdater::builder);
        OURS.put("labpal-sgd", () -> LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD));
        OURS.put("pal", PalUpdater::builder);
        OURS.put("sls", SlsUpdater::builder);
        OURS.put("sls-adam", () -> SlsUpdater.builder().base(new Adam()));
        OURS.put("salsa", SalsaUpdater::builder);
        OURS.put("salsa-sgd", () -> SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD));
        OURS.put("sa-sls", AccuracySlsUpdater::builder);
        OURS.put("l-sls", () -> AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS));
        OURS.put("a-sls", () -> AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.ACCURACY));
        OURS.put("l4", () -> L4Updater.builder().direction(L4Updater.Direction.MOMENTUM));
        OURS.put("l4-adam", L4Updater::builder);
        OURS.put("gols", GolsUpdater::builder);
        OURS.put("pls", PlsUpdater::builder);
        OURS.put("dog", DogUpdater::builder);
        OURS.put("prodigy", ProdigyUpdater::builder);
        OURS.put("momo", () -> MomoUpdater.builder().direction(MomoUpdater.Direction.MOMENTUM));
        OURS.put("momo-adam", MomoUpdater::builder);
        OURS.put("fan", FanUpdater::builder);
        OURS.put("schedule-free", ScheduleFreeUpdater::builder);
        OURS.put("pol", PolUpdater::builder);
        THEIRS.put("adam", Adam::new);
        THEIRS.put("sgd", Sgd::new);
        THEIRS.put("nesterovs", Nesterovs::new);
        THEIRS.put("nadam", Nadam::new);
        THEIRS.put("adagrad", AdaGrad::new);
    }

    private Updaters() {
    }

    /**
     * @param name       a name in the tables. Ours may be followed by {@code :averaged}, DL4J's by a learning rate, as in
     *                   {@code sgd=0.1}, FAN by its step, as in {@code fan=0.2}, and all by {@code :linear}, as in
     *                   {@code adam=0.001:linear}; for ours, the network's listener has to know, see
     *                   {@link #tellLength}
     * @param iterations of the whole training, for those that depend on it
     * @throws InputException if there is no such updater
     */
    static IUpdater named(String name, int iterations) {
        String[] parts = name.split(SEPARATOR);
        List<String> settings = List.of(parts).subList(1, parts.length);
        if (OURS.containsKey(parts[0])) {
            StepSizeUpdater.Builder<?> builder = OURS.get(parts[0]).get();
            if (settings.contains(AVERAGED)) {
                builder.averaging(true);
            }
            for (String setting : settings) {
                if (builder instanceof FanUpdater.Builder && setting.matches("[0-9].*")) {
                    ((FanUpdater.Builder) builder).step(learningRate(name, setting));
                } else if (!setting.equals(LINEAR) && !setting.equals(AVERAGED)) {
                    throw new InputException("\"" + name + "\": this updater finds its step size itself, leave out \""
                            + setting + "\"");
                }
            }
            return builder.build();
        }
        if (!THEIRS.containsKey(parts[0])) {
            throw new InputException("there is no updater \"" + parts[0] + "\"; the updaters are "
                    + String.join(", ", names()));
        }
        IUpdater updater = THEIRS.get(parts[0]).get();
        settings.stream().filter(setting -> !setting.equals(LINEAR))
                .forEach(rate -> updater.setLrAndSchedule(learningRate(name, rate), null));
        if (settings.contains(LINEAR)) {
            updater.setLrAndSchedule(Double.NaN, new LinearSchedule(updater.getLearningRate(0, 0), iterations));
        }
        return updater;
    }

    /** @throws InputException if there is no updater of one of the names: better now than after another's training */
    static void check(Collection<String> names) {
        names.forEach(name -> named(name, 1));
    }

    private static double learningRate(String name, String text) {
        try {
            double learningRate = Double.parseDouble(text);
            if (learningRate > 0 && learningRate < Double.POSITIVE_INFINITY) {
                return learningRate;
            }
        } catch (NumberFormatException e) {
            throw new InputException("\"" + name + "\": \"" + text + "\" is neither a learning rate nor \"" + LINEAR
                    + "\"");
        }
        throw new InputException("the learning rate in \"" + name + "\" has to be greater than 0 and finite");
    }

    /** The name as a part of a file's: Windows allows no colon there. */
    static String inFileName(String name) {
        return name.replace(':', '-');
    }

    /** Whether what an updater does in an iteration depends on how many there will be. */
    static boolean dependsOnLength(String name) {
        return List.of(name.split(SEPARATOR)).contains(LINEAR);
    }

    /** Tells a network how many iterations there will be, if the name of its updater says so. */
    static void tellLength(Network network, String name, int iterations) {
        if (dependsOnLength(name)) {
            network.decayUntil(iterations);
        }
    }

    /** Whether an average of the iterates is to be tested: the name says so, or the updater always averages. */
    static boolean isAveraged(String name) {
        IUpdater updater = named(name, 1);
        return updater instanceof StepSizeUpdater && ((StepSizeUpdater) updater).isAveraging();
    }

    /**
     * What of a trained network is to be tested: a copy with the average of its iterates, or itself.
     *
     * @param name  of its updater
     * @param train for the statistics of the average's BatchNormalization
     */
    static Network tested(Network network, String name, DataSetIterator train) {
        return isAveraged(name) ? network.averaged(train) : network;
    }

    /** @throws InputException if a network that was saved has been trained with another updater than the one with that name */
    static void requireSame(String name, Network network, Path saved) {
        IUpdater now = named(name, 1);
        IUpdater before = network.updater();
        // A rate of DL4J's that falls to 0 differs with the length of the training; ours are told of it elsewhere.
        boolean same = dependsOnLength(name) && !(now instanceof StepSizeUpdater) ? before.getClass() == now.getClass()
                : before.equals(now);
        if (!same) {
            throw new InputException(saved + " has been trained with " + before + ", but --updater " + name + " is " + now
                    + ": give the same, or leave out --resume");
        }
    }

    private static List<String> names() {
        List<String> names = new ArrayList<>(OURS.keySet());
        names.addAll(THEIRS.keySet());
        return names;
    }

    /** The names, for picocli's help. */
    static final class Names implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return names().iterator();
        }
    }
}
